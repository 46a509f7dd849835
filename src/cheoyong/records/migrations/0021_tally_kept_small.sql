-- tally is emptied once a second; what readers pay for is the room of rows that are gone. PostgreSQL's own
-- vacuum comes round once a minute, so the stage that empties it may vacuum it too. Before PostgreSQL 17 that
-- right cannot be given: there it waits for the minute.
DO $$ BEGIN
  IF current_setting('server_version_num')::int >= 170000 THEN
    EXECUTE 'GRANT MAINTAIN ON tally, standing TO cheoyong_flow';
  END IF;
END $$;

-- What a site manager looks at each day: inspections that recur, and who is on site.

CREATE TABLE inspection (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  thing_id        bigint REFERENCES thing ON DELETE CASCADE,  -- whose; NULL: the site as a whole
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  every_s         bigint NOT NULL CHECK (every_s BETWEEN 1 AND 315360000),  -- ten years at most
  begins_at       timestamptz NOT NULL,    -- counted from here until it is done for the first time
  made_by         text NOT NULL,
  ended_at        timestamptz,
  ended_by        text
);
CREATE INDEX inspection_organisation ON inspection (organisation_id, id);
CREATE INDEX inspection_thing ON inspection (thing_id);

CREATE TABLE inspection_done (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  inspection_id   bigint NOT NULL REFERENCES inspection ON DELETE CASCADE,
  done_at         timestamptz NOT NULL,
  by              text NOT NULL,
  note            text NOT NULL CHECK (length(note) <= 2000)
);
CREATE INDEX inspection_done_newest ON inspection_done (inspection_id, done_at DESC);

-- For one purpose only: to know how many and whom to look for in an emergency. One row while a person is there;
-- signing out deletes it, and so does time, 24 hours after at the latest. No history is kept.
CREATE TABLE presence (
  person_id       uuid PRIMARY KEY REFERENCES person ON DELETE CASCADE,
  organisation_id int NOT NULL REFERENCES organisation,
  since           timestamptz NOT NULL,
  expires_at      timestamptz NOT NULL,
  CHECK (expires_at >= since AND expires_at <= since + interval '24 hours')
);
CREATE INDEX presence_organisation ON presence (organisation_id);
CREATE INDEX presence_expiry ON presence (expires_at);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['inspection', 'inspection_done', 'presence']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY own ON %I TO cheoyong_app
                    USING (organisation_id = current_organisation())
                    WITH CHECK (organisation_id = current_organisation())', t);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE (ended_at, ended_by) ON inspection TO cheoyong_app;
GRANT SELECT, INSERT ON inspection_done TO cheoyong_app;
GRANT SELECT, INSERT, DELETE ON presence TO cheoyong_app;
CREATE POLICY flow ON presence TO cheoyong_flow USING (true);
GRANT SELECT (expires_at), DELETE ON presence TO cheoyong_flow;

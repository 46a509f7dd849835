-- How many observations each datastream has, and between which times, without looking at them.
-- The reasons stand in docs/explanation/counts-and-latest.md.
--
-- Whoever stores, changes or deletes observations leaves in the same transaction a row in tally for each
-- datastream it touched, and waits for nobody: tally has no key. A stage takes rows out of tally and adds them
-- to standing, in one statement, so that each is counted once whatever is killed when. Readers add up both,
-- in one snapshot: always exact. Archived observations stay counted, for a part that is dropped tells no one.

-- phenomenon times from the first begin to the last end; result times where there are any.
CREATE TABLE standing (
  datastream_id   int PRIMARY KEY,
  count           bigint NOT NULL,
  first_at        timestamptz,
  last_at         timestamptz,
  first_result_at timestamptz,
  last_result_at  timestamptz
) WITH (fillfactor = 50);

-- count below zero: so many are gone, and these were the times of them.
CREATE TABLE tally (LIKE standing) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                                         autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
CREATE INDEX tally_datastream ON tally (datastream_id);

LOCK TABLE observation, batch IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO standing
SELECT datastream_id, count(*), min(phenomenon_time), max(coalesce(phenomenon_end, phenomenon_time)),
       min(result_time), max(result_time)
FROM observation GROUP BY datastream_id;

CREATE FUNCTION tally_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally
  SELECT datastream_id, -count(*), min(phenomenon_time), max(coalesce(phenomenon_end, phenomenon_time)),
         min(result_time), max(result_time)
  FROM was GROUP BY datastream_id;
  RETURN NULL;
END $$;
CREATE FUNCTION tally_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally
  SELECT datastream_id, sum(sign), min(phenomenon_time), max(coalesce(phenomenon_end, phenomenon_time)),
         min(result_time), max(result_time)
  FROM (SELECT -1 AS sign, * FROM was UNION ALL SELECT 1, * FROM becomes) c GROUP BY datastream_id, sign;
  RETURN NULL;
END $$;
CREATE TRIGGER tally_deleted AFTER DELETE ON observation REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION tally_deleted();
CREATE TRIGGER tally_changed AFTER UPDATE ON observation REFERENCING OLD TABLE AS was NEW TABLE AS becomes
  FOR EACH STATEMENT EXECUTE FUNCTION tally_changed();

-- Before the rows of a part go for good and not into an archive: they are no longer counted.
CREATE FUNCTION count_off(part regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO tally SELECT datastream_id, -count(*), min(phenomenon_time),
                  max(coalesce(phenomenon_end, phenomenon_time)), min(result_time), max(result_time)
                  FROM %s GROUP BY datastream_id', part);
END $$;
REVOKE EXECUTE ON FUNCTION count_off(regclass) FROM PUBLIC;

-- Who adds to it may add for its own datastreams only.
ALTER TABLE tally ENABLE ROW LEVEL SECURITY;
ALTER TABLE tally FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON tally FOR INSERT TO cheoyong_app
  WITH CHECK (EXISTS (SELECT FROM datastream d
                      WHERE d.id = tally.datastream_id AND d.organisation_id = current_organisation()));
CREATE POLICY writer ON tally FOR INSERT TO cheoyong_writer WITH CHECK (true);
CREATE POLICY flow ON tally TO cheoyong_flow USING (true) WITH CHECK (true);
CREATE POLICY view ON tally FOR SELECT TO cheoyong_view USING (true);
GRANT INSERT ON tally TO cheoyong_app, cheoyong_writer;
GRANT SELECT (phenomenon_end, result_time) ON observation TO cheoyong_writer;
GRANT SELECT, DELETE ON tally TO cheoyong_flow;
GRANT SELECT, INSERT, UPDATE ON standing TO cheoyong_flow;
GRANT SELECT ON tally, standing TO cheoyong_view;

-- What a reader adds up: of the datastreams of its organisation only, and of none that is gone.
CREATE VIEW standing_visible WITH (security_barrier) AS
  SELECT s.* FROM datastream d
  JOIN (SELECT * FROM standing UNION ALL SELECT * FROM tally) s ON s.datastream_id = d.id;
ALTER VIEW standing_visible OWNER TO cheoyong_view;
GRANT SELECT ON standing_visible TO cheoyong_app;

-- What is sent again of a month that has left, where archived observations begin and end, and months that
-- were brought back and stay for a while. The reasons stand in docs/explanation/archives.md.

-- Between which times a file has observations of a datastream, as in standing: whoever looks for the first and
-- the last of a datastream anew finds the archived ones here, without a file.
CREATE TABLE archive_stream (
  file            text NOT NULL REFERENCES archive ON DELETE CASCADE,
  datastream_id   int NOT NULL,
  first_at        timestamptz NOT NULL,
  last_at         timestamptz NOT NULL,
  first_result_at timestamptz,
  last_result_at  timestamptz,
  PRIMARY KEY (datastream_id, file)
);
CREATE INDEX archive_stream_of_file ON archive_stream (file);
GRANT SELECT ON archive_stream TO cheoyong_flow;
GRANT SELECT (file, state) ON archive TO cheoyong_flow;

-- A month that was brought back is not archived again before this instant.
CREATE TABLE restored_month (
  month      timestamptz PRIMARY KEY,
  hold_until timestamptz NOT NULL
);

-- The rows of a month that are known already, by the temporary table brought_back, were sent again after it had
-- left: they go, with what was said of them, and are no longer counted. They go out of the part itself, so that
-- nothing is kept of them as changed: the first of each is there, under its own id. Returns how many went.
CREATE FUNCTION release_sent_again(of_month timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  place regclass := (SELECT part FROM observation_parts() WHERE begins <= of_month AND ends > of_month);
  went bigint;
BEGIN
  EXECUTE format(
    'WITH gone AS (DELETE FROM %s o USING pg_temp.brought_back b
                   WHERE o.datastream_id = b.datastream_id AND o.phenomenon_time = b.phenomenon_time
                     AND o.digest = b.digest
                   RETURNING o.id, o.datastream_id, o.phenomenon_time, o.phenomenon_end, o.result_time),
          unsaid AS (DELETE FROM quality q USING gone WHERE q.observation_id = gone.id),
          uncounted AS (INSERT INTO tally
            SELECT datastream_id, -count(*), min(phenomenon_time),
                   max(coalesce(phenomenon_end, phenomenon_time)), min(result_time), max(result_time)
            FROM gone GROUP BY datastream_id)
     SELECT count(*) FROM gone', place) INTO went;
  RETURN went;
END $$;
REVOKE EXECUTE ON FUNCTION release_sent_again(timestamptz) FROM PUBLIC;

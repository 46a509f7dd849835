-- Observations in parts by time, so that a month can leave as a whole, as a file that stays readable.
-- The reasons stand in docs/explanation/archives.md.
--
--   observation_visible     the readers' name, under forced row security: its policy holds for every row below
--   └ observation           the writers' name, without row security (COPY refuses it), and no reader may touch it
--     ├ observation_before  all that is older than the months
--     ├ observation_2026_11 a calendar month in UTC each
--     └ observation_ahead   all that is later than the months
--
-- There is no default part: only without one are parts read one after the other in the order of time, and
-- the latest of a datastream costs one look into the newest. The two open ends take every instant there is,
-- so that what a broken clock says never makes a part of its own.

DROP VIEW observation_changeable;
ALTER TABLE observation NO INHERIT observation_visible;
DROP TABLE observation_visible;
DROP TRIGGER keep_changed ON observation;
DROP TRIGGER keep_deleted ON observation;
ALTER TABLE observation RENAME TO observation_before;  -- what stands there stays where it is, and is not copied
ALTER INDEX observation_key RENAME TO observation_before_key;
ALTER INDEX observation_by_id RENAME TO observation_before_by_id;
ALTER INDEX observation_feature RENAME TO observation_before_feature;
REVOKE ALL ON observation_before FROM cheoyong_writer, cheoyong_flow, cheoyong_view;
REVOKE SELECT (id, datastream_id, phenomenon_time, digest) ON observation_before FROM cheoyong_writer;

CREATE TABLE observation_visible (LIKE observation_before) PARTITION BY RANGE (phenomenon_time);
CREATE TABLE observation PARTITION OF observation_visible FOR VALUES FROM (MINVALUE) TO (MAXVALUE)
  PARTITION BY RANGE (phenomenon_time);
CREATE UNIQUE INDEX observation_key ON observation (datastream_id, phenomenon_time, digest);
CREATE INDEX observation_by_id ON observation USING brin (id) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX observation_feature ON observation (feature_id, phenomenon_time) WHERE feature_id IS NOT NULL;

-- The months -------------------------------------------------------------------------------------------

CREATE FUNCTION observation_parts() RETURNS TABLE (part regclass, begins timestamptz, ends timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT p.part,
         CASE b[1] WHEN 'MINVALUE' THEN '-infinity' ELSE trim(b[1], '''') END::timestamptz,
         CASE b[2] WHEN 'MAXVALUE' THEN 'infinity' ELSE trim(b[2], '''') END::timestamptz AS ends
  FROM (SELECT c.oid::regclass AS part,
               regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \((.+)\) TO \((.+)\)') AS b
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'observation'::regclass) p
  ORDER BY ends
$$;

CREATE FUNCTION month_after(begins timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE
  RETURN (begins AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';

-- Take the first month off the open end ahead. What a clock that runs fast has put there already is moved
-- with it: the rows are the same, so nothing of it is kept as changed. Returns the part.
CREATE FUNCTION split_observation_month() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  month timestamptz := (SELECT begins FROM observation_parts() WHERE ends = 'infinity');
  after timestamptz := month_after(month);
  part text := 'observation_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
  ALTER TABLE observation DETACH PARTITION observation_ahead;
  EXECUTE format('CREATE TABLE %I PARTITION OF observation FOR VALUES FROM (%L) TO (%L)', part, month, after);
  WITH moved AS (DELETE FROM observation_ahead WHERE phenomenon_time < after RETURNING *)
  INSERT INTO observation SELECT * FROM moved;
  EXECUTE format('ALTER TABLE observation ATTACH PARTITION observation_ahead FOR VALUES FROM (%L) TO (MAXVALUE)',
                 after);
  RETURN part;
END $$;

-- The hole that a dropped month leaves is closed by the open end before it, where that is the neighbour and
-- small enough to be looked through at once, else by an empty part: a late observation must find a place.
CREATE FUNCTION drop_observation_month(part regclass, month timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text := part::text;
  after timestamptz := month_after(month);
BEGIN
  EXECUTE format('DROP TABLE %s', part);
  IF (SELECT ends FROM observation_parts() WHERE begins = '-infinity') = month
     AND pg_relation_size('observation_before') <= 64 * 1024 * 1024 THEN
    ALTER TABLE observation DETACH PARTITION observation_before;
    EXECUTE format('ALTER TABLE observation ATTACH PARTITION observation_before FOR VALUES FROM (MINVALUE) TO (%L)',
                   after);
  ELSE
    EXECUTE format('CREATE TABLE %I PARTITION OF observation FOR VALUES FROM (%L) TO (%L)', name, month, after);
  END IF;
END $$;
REVOKE EXECUTE ON FUNCTION split_observation_month(), drop_observation_month(regclass, timestamptz) FROM PUBLIC;

-- A new installation begins with this month. An old one keeps all it has in one part that reaches to the end
-- of next month; the few rows beyond (clocks that run fast) are moved.
DO $$
DECLARE
  this timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  first timestamptz := CASE WHEN EXISTS (SELECT FROM observation_before)
                       THEN month_after(month_after(this)) ELSE this END;
BEGIN
  EXECUTE format('CREATE TABLE observation_ahead PARTITION OF observation FOR VALUES FROM (%L) TO (MAXVALUE)', first);
  WITH moved AS (DELETE FROM observation_before WHERE phenomenon_time >= first RETURNING *)
  INSERT INTO observation SELECT * FROM moved;
  EXECUTE format('ALTER TABLE observation ATTACH PARTITION observation_before FOR VALUES FROM (MINVALUE) TO (%L)',
                 first);
  WHILE first <= month_after(this) LOOP
    PERFORM split_observation_month();
    first := month_after(first);
  END LOOP;
END $$;

-- Who may touch what, as before (0002, 0003, 0004, 0015) ------------------------------------------------

ALTER TABLE observation_visible ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_visible FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON observation_visible FOR SELECT TO cheoyong_app USING (
  (SELECT d.organisation_id = current_organisation() FROM datastream d
   WHERE d.id = observation_visible.datastream_id));
GRANT SELECT ON observation_visible TO cheoyong_app;
GRANT INSERT, SELECT (id, datastream_id, phenomenon_time, digest) ON observation TO cheoyong_writer;
GRANT SELECT ON observation TO cheoyong_flow;
GRANT SELECT, INSERT, UPDATE, DELETE ON observation TO cheoyong_view;

CREATE TRIGGER keep_changed AFTER UPDATE ON observation REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION keep_observations();
CREATE TRIGGER keep_deleted AFTER DELETE ON observation REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION keep_observations();
CREATE VIEW observation_changeable WITH (security_barrier) AS
  SELECT * FROM observation o
  WHERE (SELECT d.organisation_id = current_organisation() FROM datastream d WHERE d.id = o.datastream_id)
  WITH CASCADED CHECK OPTION;
ALTER VIEW observation_changeable OWNER TO cheoyong_view;
GRANT SELECT, INSERT, UPDATE, DELETE ON observation_changeable TO cheoyong_app;

-- The archives ------------------------------------------------------------------------------------------

-- A row for each file. closing: the file is whole, but its rows stand in the tables still, which alone count.
-- sole: the file alone has them. opening: it still does, and they are being brought back. A month may have
-- several files, for what came late. id_sum, xid_sum: by them it is seen whether a row came, went or changed
-- between the writing of the file and the dropping of the rows.
CREATE TABLE archive (
  file           text PRIMARY KEY,
  month          timestamptz NOT NULL,
  state          text NOT NULL CHECK (state IN ('closing', 'sole', 'opening')),
  schema_version smallint NOT NULL,
  row_count      bigint NOT NULL CHECK (row_count > 0),
  verdict_count  bigint NOT NULL,
  byte_count     bigint NOT NULL,
  sha256         text NOT NULL,
  first_at       timestamptz NOT NULL,
  last_at        timestamptz NOT NULL,
  first_id       bigint NOT NULL,
  last_id        bigint NOT NULL,
  id_sum         numeric NOT NULL,
  xid_sum        numeric NOT NULL,
  made_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Of an archive a face may know where to look, not how much of anyone's there is.
GRANT SELECT (file, month, state, first_at, last_at, first_id, last_id) ON archive TO cheoyong_app;
DO $$ BEGIN
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO cheoyong_app', current_database());
END $$;

-- Let go of the rows that a file has: all of them and no other, or none. A part of its own is locked against
-- writers, compared and dropped; from an open end they are deleted, which locks out nobody, and compared with
-- what was deleted. Readers look at the table archive before they read: they see the rows here or the file.
CREATE FUNCTION release_observation_month(released text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  a archive := (SELECT t FROM archive t WHERE file = released AND state = 'closing');
  after timestamptz := month_after(a.month);
  p record;
  found record;
  verdicts bigint;
BEGIN
  SELECT part, begins = a.month AND ends = after AS whole INTO p
  FROM observation_parts() WHERE begins <= a.month AND ends >= after;
  IF p.whole THEN
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', p.part);
  END IF;
  DELETE FROM quality q USING observation o
  WHERE q.observation_id = o.id AND o.phenomenon_time >= a.month AND o.phenomenon_time < after;
  GET DIAGNOSTICS verdicts = ROW_COUNT;
  IF p.whole THEN
    EXECUTE format('SELECT count(*) AS rows, sum(id) AS ids, sum(xmin::text::bigint) AS xids FROM %s', p.part)
    INTO found;
  ELSE
    EXECUTE format('WITH gone AS (DELETE FROM %s WHERE phenomenon_time >= %L AND phenomenon_time < %L
                                  RETURNING id, xmin)
                    SELECT count(*) AS rows, sum(id) AS ids, sum(xmin::text::bigint) AS xids FROM gone',
                   p.part, a.month, after) INTO found;
  END IF;
  IF (found.rows, found.ids, found.xids, verdicts) IS DISTINCT FROM
     (a.row_count, a.id_sum, a.xid_sum, a.verdict_count) THEN
    RAISE EXCEPTION 'the rows of % are not those of its file any more', a.month;
  END IF;
  LOCK TABLE archive IN ACCESS EXCLUSIVE MODE;
  IF p.whole THEN
    PERFORM drop_observation_month(p.part, a.month);
  END IF;
  UPDATE archive SET state = 'sole' WHERE file = released;
END $$;
REVOKE EXECUTE ON FUNCTION release_observation_month(text) FROM PUBLIC;

-- Reading observations in the order of their index, so that the latest of a million costs one row.
-- A security-barrier view cannot do that: it is planned apart from the ORDER BY and LIMIT outside it.
-- So the readers' name becomes an empty parent table under row-level security, and observation its
-- child: who asks the parent is held to the parent's policy on every row of the child, while COPY goes
-- into the child itself, which no reader may touch. Partitions by time can become further children.
-- A new column of observation is added to the parent, which passes it down.

DROP VIEW observation_visible;
CREATE TABLE observation_visible (LIKE observation);
ALTER TABLE observation_visible ADD CONSTRAINT holds_nothing CHECK (false) NO INHERIT;
ALTER TABLE observation INHERIT observation_visible;
ALTER TABLE observation_visible ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_visible FORCE ROW LEVEL SECURITY;
-- A scalar sub-query is looked up row by row (EXISTS would read all datastreams of the organisation
-- first), and a Boolean one is taken to let half of the rows through (an equation: one in 200).
CREATE POLICY own ON observation_visible FOR SELECT TO cheoyong_app USING (
  (SELECT d.organisation_id = current_organisation() FROM datastream d
   WHERE d.id = observation_visible.datastream_id));
GRANT SELECT ON observation_visible TO cheoyong_app;

-- The few observations that name a feature of their own.
CREATE INDEX observation_feature ON observation (feature_id, phenomenon_time) WHERE feature_id IS NOT NULL;

-- A datastream of several values at once: each of its observations is an array, a part for each observed
-- property. It is a row among the datastreams, so that all of them share one sequence of ids and what hangs
-- on a datastream (observations, row security, deletion, the log of changes) holds for it too.

ALTER TABLE datastream
  ALTER COLUMN observed_property_id DROP NOT NULL,
  ADD COLUMN part_types jsonb,             -- NULL: one value; else what each part is, and unit is an array too
  ADD CONSTRAINT one_property_or_parts CHECK (num_nonnulls(part_types, observed_property_id) = 1),
  ADD CONSTRAINT a_unit_for_each_part CHECK (
    part_types IS NULL OR series IS NULL AND CASE
      WHEN jsonb_typeof(part_types) = 'array' AND jsonb_typeof(unit) = 'array'
      THEN jsonb_array_length(part_types) = jsonb_array_length(unit) ELSE false END);
CREATE INDEX datastream_of_parts ON datastream (organisation_id, id) WHERE part_types IS NOT NULL;

-- Which observed property each part is of, in the order of the parts.
CREATE TABLE datastream_part (
  datastream_id        int NOT NULL REFERENCES datastream ON DELETE CASCADE,
  place                int NOT NULL CHECK (place >= 1),
  observed_property_id bigint NOT NULL REFERENCES observed_property ON DELETE CASCADE,
  organisation_id      int NOT NULL REFERENCES organisation,
  PRIMARY KEY (datastream_id, place),
  UNIQUE (observed_property_id, datastream_id)
);
ALTER TABLE datastream_part ENABLE ROW LEVEL SECURITY;
ALTER TABLE datastream_part FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON datastream_part TO cheoyong_app
  USING (organisation_id = current_organisation()) WITH CHECK (organisation_id = current_organisation());
GRANT SELECT, INSERT, UPDATE, DELETE ON datastream_part TO cheoyong_app;

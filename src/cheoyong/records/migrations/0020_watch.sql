-- What the screening of all streams remembers of each: written from time to time, as much as has changed.
-- The bookmark beside it (stage 'watch') says up to where; what came after is looked at again after a restart.
CREATE TABLE watch_state (
  datastream_id int PRIMARY KEY REFERENCES datastream ON DELETE CASCADE,
  state         bytea NOT NULL
);
ALTER TABLE watch_state ALTER COLUMN state SET STORAGE EXTERNAL;  -- floating point does not compress
GRANT SELECT, INSERT, UPDATE ON watch_state TO cheoyong_flow;
CREATE INDEX fact_detection ON fact (organisation_id, recorded_at) WHERE kind = 'detection';

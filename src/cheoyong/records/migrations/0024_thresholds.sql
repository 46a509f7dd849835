-- Limits that people set for a datastream at run time. A version is written once and never changed: who, when,
-- why, and what it would have alarmed in the 30 days before. The worker adds one thing, in_force_at: the instant
-- of the first batch judged under it, so that judging the same batches again gives the same alarms.
CREATE TABLE threshold (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  line            uuid NOT NULL,           -- the same for all versions of one threshold
  version         int NOT NULL CHECK (version BETWEEN 1 AND 10000),
  datastream_id   int REFERENCES datastream ON DELETE SET NULL,
  stream_name     text NOT NULL,           -- as it was called then
  unit            text NOT NULL,
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  bound           double precision NOT NULL,
  below           boolean NOT NULL,
  hysteresis      double precision NOT NULL CHECK (hysteresis >= 0),
  on_delay_s      double precision NOT NULL CHECK (on_delay_s BETWEEN 0 AND 604800),
  priority        text NOT NULL CHECK (priority IN ('high', 'medium', 'low')),
  ended           boolean NOT NULL,        -- from this version on it alarms no more
  alarms_before   int NOT NULL,            -- of the 30 days before it was saved, as the preview counts them
  by              text NOT NULL,
  reason          text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
  made_at         timestamptz NOT NULL,
  in_force_at     timestamptz,
  UNIQUE (organisation_id, line, version)
);
CREATE INDEX threshold_organisation ON threshold (organisation_id, id);
CREATE INDEX threshold_datastream ON threshold (datastream_id);
ALTER TABLE threshold ENABLE ROW LEVEL SECURITY;
ALTER TABLE threshold FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON threshold TO cheoyong_app
  USING (organisation_id = current_organisation()) WITH CHECK (organisation_id = current_organisation());
CREATE POLICY flow ON threshold TO cheoyong_flow USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON threshold TO cheoyong_app;
GRANT SELECT, UPDATE (in_force_at) ON threshold TO cheoyong_flow;

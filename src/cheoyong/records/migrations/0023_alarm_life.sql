-- The whole life of an alarm (ISA-18.2): returned unseen, suppressed by design, out of service, escalated;
-- and the rows of the operator's list in which alarms of one cause stand together.
ALTER TABLE alarm DROP CONSTRAINT alarm_state_check;
ALTER TABLE alarm DROP CONSTRAINT shelved_has_an_end;
ALTER TABLE alarm
  ADD CONSTRAINT alarm_state_check CHECK (state IN (
    'raised', 'returned', 'acknowledged', 'suppressed', 'shelved', 'out_of_service', 'out_of_service_calm',
    'cleared', 'withdrawn')),
  -- An alarm that ended on the shelf keeps the end of it: raised again before, it is shelved again.
  ADD CONSTRAINT shelved_has_an_end CHECK (state <> 'shelved' OR shelved_until IS NOT NULL),
  ADD COLUMN row_id uuid,
  ADD COLUMN escalate_at timestamptz;
UPDATE alarm SET row_id = id WHERE state IN ('raised', 'acknowledged', 'shelved');
DROP INDEX alarm_open;
CREATE INDEX alarm_open ON alarm (organisation_id, row_id)
  WHERE state IN ('raised', 'returned', 'acknowledged', 'suppressed', 'shelved', 'out_of_service', 'out_of_service_calm');
CREATE INDEX alarm_of_series ON alarm (organisation_id, (body ->> 'series'), changed_at);
CREATE INDEX alarm_escalates ON alarm (escalate_at) WHERE escalate_at IS NOT NULL;
CREATE INDEX alarm_returned ON alarm (changed_at) WHERE state = 'returned';
CREATE INDEX alarm_row_of ON alarm (row_id);

CREATE TABLE alarm_row (
  id              uuid PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  kind            text NOT NULL CHECK (kind IN ('gauge', 'site', 'reach', 'together', 'event', 'flood')),
  keys            text[] NOT NULL,
  since_at        timestamptz NOT NULL,
  begun_at        timestamptz NOT NULL,
  joined_at       timestamptz NOT NULL
);
CREATE INDEX alarm_row_keys ON alarm_row USING gin (keys);
CREATE INDEX alarm_row_begun ON alarm_row (organisation_id, begun_at);
INSERT INTO alarm_row
  SELECT id, organisation_id, 'gauge', '{}', changed_at, changed_at, changed_at FROM alarm WHERE row_id IS NOT NULL;

-- When a row began to ask to be looked at: what an operator has to bear.
CREATE TABLE alarm_told (
  row_id          uuid NOT NULL,
  organisation_id int NOT NULL REFERENCES organisation,
  told_at         timestamptz NOT NULL,
  PRIMARY KEY (organisation_id, told_at, row_id)
);
CREATE INDEX fact_alarm ON fact (organisation_id, recorded_at) WHERE kind = 'alarm';

ALTER TABLE alarm_row ENABLE ROW LEVEL SECURITY;
ALTER TABLE alarm_row FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON alarm_row TO cheoyong_app
  USING (organisation_id = current_organisation()) WITH CHECK (organisation_id = current_organisation());
CREATE POLICY flow ON alarm_row TO cheoyong_flow USING (true) WITH CHECK (true);
ALTER TABLE alarm_told ENABLE ROW LEVEL SECURITY;
ALTER TABLE alarm_told FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON alarm_told TO cheoyong_app
  USING (organisation_id = current_organisation()) WITH CHECK (organisation_id = current_organisation());
CREATE POLICY flow ON alarm_told TO cheoyong_flow USING (true) WITH CHECK (true);
GRANT SELECT ON alarm_row, alarm_told TO cheoyong_app;
GRANT SELECT, INSERT, UPDATE ON alarm_row TO cheoyong_flow;
GRANT SELECT, INSERT ON alarm_told TO cheoyong_flow;

ALTER TABLE command DROP CONSTRAINT command_verb_check;
ALTER TABLE command ADD CONSTRAINT command_verb_check CHECK (
  verb IN ('take', 'close', 'acknowledge', 'shelve', 'unshelve', 'remove', 'restore'));

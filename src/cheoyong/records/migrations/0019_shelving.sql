-- An alarm may be put aside for a while, with a reason and an end (ISA-18.2: shelving).
ALTER TABLE alarm DROP CONSTRAINT alarm_state_check;
ALTER TABLE alarm
  ADD CONSTRAINT alarm_state_check
    CHECK (state IN ('raised', 'acknowledged', 'shelved', 'cleared', 'withdrawn')),
  ADD COLUMN shelved_until timestamptz,
  ADD CONSTRAINT shelved_has_an_end CHECK ((state = 'shelved') = (shelved_until IS NOT NULL));
DROP INDEX alarm_open;
CREATE INDEX alarm_open ON alarm (organisation_id) WHERE state IN ('raised', 'acknowledged', 'shelved');
CREATE INDEX alarm_shelved ON alarm (shelved_until) WHERE state = 'shelved';

ALTER TABLE command DROP CONSTRAINT command_verb_check;
ALTER TABLE command
  ADD CONSTRAINT command_verb_check CHECK (verb IN ('take', 'close', 'acknowledge', 'shelve', 'unshelve')),
  ADD COLUMN minutes int CHECK (minutes BETWEEN 1 AND 480);

-- Alarms that have ended, and their rows, are swept after a time; their facts stay.
CREATE INDEX alarm_ended ON alarm (changed_at) WHERE state IN ('cleared', 'withdrawn');
CREATE INDEX alarm_row_joined ON alarm_row (joined_at);
CREATE INDEX alarm_told_at ON alarm_told (told_at);
GRANT DELETE ON alarm, alarm_row, alarm_told TO cheoyong_flow;

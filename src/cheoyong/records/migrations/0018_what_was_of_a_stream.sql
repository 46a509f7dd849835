-- What the observations of a datastream were at an instant is asked for a whole datastream at once (/bulk).
CREATE INDEX observation_past_of_stream ON observation_past (datastream_id, changed_at);

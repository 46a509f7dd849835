-- What a worker remembers, in parts: a commit writes those that changed. The bookmark's own state keeps what
-- changes with every commit, which a worker of the release before cannot read:
-- breaks earlier programs
CREATE TABLE stage_part (
  stage text NOT NULL REFERENCES bookmark ON DELETE CASCADE,
  part  text NOT NULL,   -- 'stream:' and the id of a datastream, or what is remembered of all together
  state bytea NOT NULL,
  PRIMARY KEY (stage, part)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON stage_part TO cheoyong_flow;

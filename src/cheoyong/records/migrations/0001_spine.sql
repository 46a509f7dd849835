-- The spine: who there is, what is measured, what was measured, what was concluded and decided.
-- Every table that an organisation owns has organisation_id and forced row-level security (0002).

CREATE FUNCTION current_organisation() RETURNS int LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('cheoyong.organisation', true), '')::int;

-- Who ---------------------------------------------------------------------------------------------

CREATE TABLE organisation (
  id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
  created_at timestamptz NOT NULL
);

CREATE TABLE person (
  id              uuid PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  login           text NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  role            text NOT NULL CHECK (role IN ('viewer', 'operator', 'approver', 'administrator')),
  natural_person  text NOT NULL,          -- one human may hold two accounts, but never both halves of a decision
  exercise        boolean NOT NULL DEFAULT false,
  password_hash   text,                   -- argon2id; NULL: signs in by link only
  disabled_at     timestamptz,
  created_at      timestamptz NOT NULL
);

CREATE TABLE sign_in_link (
  token_hash      bytea PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  person_id       uuid NOT NULL REFERENCES person,
  expires_at      timestamptz NOT NULL,
  used_at         timestamptz
);

CREATE TABLE session (
  token_hash       bytea PRIMARY KEY,
  organisation_id  int NOT NULL REFERENCES organisation,
  person_id        uuid NOT NULL REFERENCES person,
  csrf             text NOT NULL,
  created_at       timestamptz NOT NULL,
  authenticated_at timestamptz NOT NULL,
  expires_at       timestamptz NOT NULL,
  ended_at         timestamptz
);
CREATE INDEX session_person ON session (person_id) WHERE ended_at IS NULL;

CREATE TABLE api_key (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  prefix          text NOT NULL UNIQUE,    -- the public part, shown in lists
  secret_hash     bytea NOT NULL,          -- SHA-256 of a 256-bit random secret
  can_write       boolean NOT NULL,
  thing_id        bigint,                  -- NULL: every thing of the organisation; else this device only
  created_at      timestamptz NOT NULL,
  revoked_at      timestamptz
);

-- What is measured (the nouns of OGC SensorThings, without its envelopes) ----------------------------

CREATE TABLE thing (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  name            text NOT NULL,
  description     text NOT NULL,
  definition      text,
  properties      jsonb
);
CREATE INDEX thing_organisation ON thing (organisation_id, id);

CREATE TABLE location (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  name            text NOT NULL,
  description     text NOT NULL,
  definition      text,
  encoding_type   text NOT NULL,
  location        jsonb NOT NULL,
  properties      jsonb
);
CREATE INDEX location_organisation ON location (organisation_id, id);

CREATE TABLE thing_location (
  thing_id        bigint NOT NULL REFERENCES thing ON DELETE CASCADE,
  location_id     bigint NOT NULL REFERENCES location ON DELETE CASCADE,
  organisation_id int NOT NULL REFERENCES organisation,
  PRIMARY KEY (thing_id, location_id)
);
CREATE INDEX thing_location_location ON thing_location (location_id);

CREATE TABLE sensor (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  name            text NOT NULL,
  description     text NOT NULL,
  definition      text,
  encoding_type   text NOT NULL,
  metadata        jsonb NOT NULL,
  properties      jsonb
);
CREATE INDEX sensor_organisation ON sensor (organisation_id, id);

CREATE TABLE observed_property (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  name            text NOT NULL,
  definition      text NOT NULL,
  description     text NOT NULL,
  properties      jsonb
);
CREATE INDEX observed_property_organisation ON observed_property (organisation_id, id);

CREATE TABLE feature (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  name            text NOT NULL,
  description     text NOT NULL,
  definition      text,
  encoding_type   text NOT NULL,
  feature         jsonb NOT NULL,
  properties      jsonb
);
CREATE INDEX feature_organisation ON feature (organisation_id, id);

-- int ids: an observation carries one, and there will be many observations.
CREATE TABLE datastream (
  id                   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id      int NOT NULL REFERENCES organisation,
  thing_id             bigint NOT NULL REFERENCES thing ON DELETE CASCADE,
  sensor_id            bigint NOT NULL REFERENCES sensor ON DELETE CASCADE,
  observed_property_id bigint NOT NULL REFERENCES observed_property ON DELETE CASCADE,
  name                 text NOT NULL,
  description          text NOT NULL,
  definition           text,
  observation_type     text NOT NULL,
  unit                 jsonb NOT NULL,
  observed_area        jsonb,
  properties           jsonb,
  series               text,               -- the city pack's name of this series, if it has one
  registered_at        timestamptz NOT NULL,
  UNIQUE (organisation_id, series)
);
CREATE INDEX datastream_organisation ON datastream (organisation_id, id);
CREATE INDEX datastream_thing ON datastream (thing_id);
CREATE INDEX datastream_sensor ON datastream (sensor_id);
CREATE INDEX datastream_observed_property ON datastream (observed_property_id);

-- What was measured -----------------------------------------------------------------------------------

-- Ids are handed out in blocks, so that a writer numbers a whole batch without asking.
CREATE SEQUENCE observation_id INCREMENT BY 65536 MINVALUE 1 START 1;

-- One row a commit. A row with count = 0 is a tick: time went on and nothing was measured.
-- xid lets a reader stay below the oldest transaction still in flight: numbers are not commit order.
CREATE TABLE batch (
  number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  recorded_at timestamptz NOT NULL,
  first_id    bigint NOT NULL,
  count       int NOT NULL CHECK (count >= 0)
);
CREATE INDEX batch_order ON batch (xid, number);
CREATE INDEX batch_first_id ON batch (first_id);

-- Narrow, and without row-level security, because COPY refuses such tables: only the writer role may
-- insert, and readers reach it through the view observation_visible, that is through their datastreams.
-- digest is a 64-bit hash of everything but the key: the same observation sent twice is stored once,
-- a correction (same time, other result) is stored beside the first.
CREATE TABLE observation (
  id              bigint NOT NULL,
  phenomenon_time timestamptz NOT NULL,
  result          double precision,        -- NULL when the result is not a number: then detail has it
  digest          bigint NOT NULL,
  datastream_id   int NOT NULL,
  phenomenon_end  timestamptz,
  result_time     timestamptz,
  feature_id      bigint,
  detail          jsonb                    -- result (non-numeric), resultQuality, validTime, parameters
);
CREATE UNIQUE INDEX observation_key ON observation (datastream_id, phenomenon_time, digest);
-- Ids rise with the pages, so a block-range index finds one in microseconds at a thousandth of the size.
CREATE INDEX observation_by_id ON observation USING brin (id) WITH (pages_per_range = 16, autosummarize = on);

-- Verdicts of the checks that are not a plain pass; the newest batch wins, none means pass.
CREATE TABLE quality (
  observation_id  bigint NOT NULL,
  batch           bigint NOT NULL,
  datastream_id   int NOT NULL,
  flag            smallint NOT NULL,
  tests           smallint NOT NULL,
  PRIMARY KEY (observation_id, batch)
);

-- What was concluded and decided ------------------------------------------------------------------------

CREATE TABLE fact (
  id              uuid PRIMARY KEY,
  seq             bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  organisation_id int NOT NULL REFERENCES organisation,
  kind            text NOT NULL,
  about_at        timestamptz NOT NULL,
  recorded_at     timestamptz NOT NULL,
  body            jsonb NOT NULL,
  caused_by       uuid[] NOT NULL DEFAULT '{}',
  observation_ids bigint[] NOT NULL DEFAULT '{}'
);
CREATE INDEX fact_kind ON fact (organisation_id, kind, about_at);
CREATE INDEX fact_series ON fact (organisation_id, kind, (body ->> 'series'), about_at);

CREATE TABLE alarm (
  id              uuid PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  state           text NOT NULL CHECK (state IN ('raised', 'acknowledged', 'cleared', 'withdrawn')),
  body            jsonb NOT NULL,
  fact_id         uuid NOT NULL,
  changed_at      timestamptz NOT NULL
);
CREATE INDEX alarm_open ON alarm (organisation_id) WHERE state IN ('raised', 'acknowledged');

CREATE TABLE incident (
  id              uuid PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  state           text NOT NULL CHECK (state IN ('open', 'closed')),
  taken_by        text NOT NULL DEFAULT '',
  body            jsonb NOT NULL,
  fact_id         uuid NOT NULL,
  changed_at      timestamptz NOT NULL
);
CREATE INDEX incident_open ON incident (organisation_id) WHERE state = 'open';

CREATE TABLE alert (
  id              uuid PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  incident_id     uuid NOT NULL REFERENCES incident,
  version         int NOT NULL,            -- rises with every step: two people acting at once collide here
  state           jsonb NOT NULL,
  changed_at      timestamptz NOT NULL,
  published_at    timestamptz
);
CREATE INDEX alert_incident ON alert (incident_id);

-- Who read which version of an alert, and when by the world's clock: an approval must be fresh (F22).
CREATE TABLE alert_reading (
  alert_id        uuid NOT NULL REFERENCES alert ON DELETE CASCADE,
  organisation_id int NOT NULL REFERENCES organisation,
  login           text NOT NULL,
  content_hash    text NOT NULL,
  read_at         timestamptz NOT NULL,
  PRIMARY KEY (alert_id, login, content_hash)
);

-- What left: the signed-off bytes as sent. A channel carries one status only, by constraint (F24).
CREATE TABLE publication (
  identifier      text NOT NULL,
  channel         text NOT NULL,
  organisation_id int NOT NULL REFERENCES organisation,
  alert_id        uuid NOT NULL REFERENCES alert,
  status          text NOT NULL,
  content         jsonb NOT NULL,          -- what was approved, for feeds and lists
  sent_at         timestamptz NOT NULL,
  expires_at      timestamptz NOT NULL,
  sha256          bytea NOT NULL,
  cap             bytea NOT NULL,
  PRIMARY KEY (identifier, channel),
  CHECK ((channel = 'public_cap_feed') = (status = 'Actual')),
  CHECK ((channel = 'exercise_cap_feed') = (status = 'Exercise'))
);
CREATE INDEX publication_sent ON publication (channel, sent_at DESC);

-- What a person asked of an incident, for the worker to carry out in its own order.
CREATE TABLE command (
  seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  verb            text NOT NULL CHECK (verb IN ('take', 'close', 'acknowledge')),
  subject         uuid NOT NULL,
  by              text NOT NULL,
  reason          text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),
  made_at         timestamptz NOT NULL,
  done_at         timestamptz
);
CREATE INDEX command_waiting ON command (seq) WHERE done_at IS NULL;

-- Where each worker stands; its state and its outputs commit together.
CREATE TABLE bookmark (
  stage      text PRIMARY KEY,
  xid        xid8 NOT NULL,
  batch      bigint NOT NULL,
  now_at     timestamptz,
  state      bytea NOT NULL
);

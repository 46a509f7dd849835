-- Nothing is overwritten: what is changed or deleted is kept as it was, with when and by whom.
-- The reasons stand in docs/decisions/0007-deleting-observations.md.

-- The registry. xid lets a reader of the log step over nothing that was still in flight.
CREATE TABLE registry_past (
  seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid             xid8 NOT NULL DEFAULT pg_current_xact_id(),
  organisation_id int NOT NULL,
  noun            text NOT NULL,
  row_id          bigint NOT NULL,
  gone            boolean NOT NULL,          -- deleted; else it was changed
  was             jsonb NOT NULL,
  changed_at      timestamptz NOT NULL DEFAULT now(),
  changed_by      text NOT NULL DEFAULT coalesce(current_setting('cheoyong.by', true), '')
);
CREATE INDEX registry_past_of_row ON registry_past (noun, row_id);
CREATE INDEX registry_past_order ON registry_past (xid);

CREATE FUNCTION keep_registry_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO registry_past (organisation_id, noun, row_id, gone, was)
  VALUES (OLD.organisation_id, TG_TABLE_NAME, OLD.id, TG_OP = 'DELETE', to_jsonb(OLD));
  RETURN NULL;
END $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['thing', 'location', 'sensor', 'observed_property', 'feature', 'datastream'] LOOP
    EXECUTE format('CREATE TRIGGER keep_changed AFTER UPDATE ON %I FOR EACH ROW
                    WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION keep_registry_row()', t);
    EXECUTE format('CREATE TRIGGER keep_deleted AFTER DELETE ON %I FOR EACH ROW
                    EXECUTE FUNCTION keep_registry_row()', t);
  END LOOP;
END $$;

-- Observations. organisation_id 0: moved here by the owner of the database after its datastream was gone.
CREATE TABLE observation_past (
  seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL,
  observation_id  bigint NOT NULL,
  datastream_id   int NOT NULL,
  gone            boolean NOT NULL,
  was             jsonb NOT NULL,
  changed_at      timestamptz NOT NULL DEFAULT now(),
  changed_by      text NOT NULL DEFAULT coalesce(current_setting('cheoyong.by', true), '')
);
CREATE INDEX observation_past_of_row ON observation_past (observation_id);

CREATE FUNCTION keep_observations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO observation_past (organisation_id, observation_id, datastream_id, gone, was)
  SELECT coalesce(current_organisation(),
                  (SELECT d.organisation_id FROM datastream d WHERE d.id = w.datastream_id), 0),
         w.id, w.datastream_id, TG_OP = 'DELETE', to_jsonb(w)
  FROM was w;
  RETURN NULL;
END $$;

-- One statement, one call, however many rows; an insertion pays nothing.
CREATE TRIGGER keep_changed AFTER UPDATE ON observation REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION keep_observations();
CREATE TRIGGER keep_deleted AFTER DELETE ON observation REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION keep_observations();

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['registry_past', 'observation_past'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY own ON %I TO cheoyong_app
                    USING (organisation_id = current_organisation())
                    WITH CHECK (organisation_id = current_organisation())', t);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO cheoyong_app', t);
  END LOOP;
END $$;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cheoyong_app;
GRANT SELECT (xid, noun, row_id, changed_at) ON registry_past TO cheoyong_flow;
CREATE POLICY flow ON registry_past FOR SELECT TO cheoyong_flow USING (true);

-- The one way for a face to change observations: a view of its own organisation's, whose owner may, and
-- the triggers above let no row go without keeping it.
GRANT UPDATE, DELETE ON observation TO cheoyong_view;
CREATE VIEW observation_changeable WITH (security_barrier) AS
  SELECT * FROM observation o
  WHERE (SELECT d.organisation_id = current_organisation() FROM datastream d WHERE d.id = o.datastream_id)
  WITH CASCADED CHECK OPTION;
ALTER VIEW observation_changeable OWNER TO cheoyong_view;
GRANT SELECT, UPDATE, DELETE ON observation_changeable TO cheoyong_app;

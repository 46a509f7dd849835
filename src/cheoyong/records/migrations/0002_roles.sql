-- Who may touch what. Roles are made by migrate.py; no role here owns a table or bypasses row security.
--   cheoyong_app     faces: bound to one organisation a transaction
--   cheoyong_door    signing in, before the organisation is known
--   cheoyong_writer  inserts observations, reads nothing of them but their keys
--   cheoyong_flow    the stages: all organisations, facts only

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cheoyong_app, cheoyong_door, cheoyong_writer, cheoyong_flow;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cheoyong_app, cheoyong_door, cheoyong_writer, cheoyong_flow;

DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables USING (table_schema, table_name)
           WHERE c.table_schema = 'public' AND c.column_name = 'organisation_id' AND table_type = 'BASE TABLE'
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY own ON %I TO cheoyong_app
                    USING (organisation_id = current_organisation())
                    WITH CHECK (organisation_id = current_organisation())', t);
  END LOOP;
END $$;

-- The registry and the people of one's own organisation.
GRANT SELECT, INSERT, UPDATE, DELETE ON thing, location, thing_location, sensor, observed_property, feature, datastream TO cheoyong_app;
GRANT SELECT, INSERT, UPDATE ON person, session, api_key, sign_in_link TO cheoyong_app;
GRANT SELECT ON organisation TO cheoyong_app, cheoyong_flow;

-- Facts are only ever added; what they add up to may change.
GRANT SELECT, INSERT ON fact, publication TO cheoyong_app, cheoyong_flow;
GRANT SELECT, INSERT, UPDATE ON alarm, incident, alert TO cheoyong_app, cheoyong_flow;
GRANT SELECT, INSERT, UPDATE ON alert_reading TO cheoyong_app;

GRANT SELECT, INSERT, UPDATE ON person, session, sign_in_link, api_key TO cheoyong_door;
GRANT SELECT ON datastream, publication TO cheoyong_door;
GRANT SELECT, INSERT ON organisation TO cheoyong_door;
CREATE POLICY door ON person       TO cheoyong_door USING (true) WITH CHECK (true);
CREATE POLICY door ON session      TO cheoyong_door USING (true) WITH CHECK (true);
CREATE POLICY door ON sign_in_link TO cheoyong_door USING (true) WITH CHECK (true);
CREATE POLICY door ON api_key      TO cheoyong_door USING (true) WITH CHECK (true);
CREATE POLICY door ON datastream   FOR SELECT TO cheoyong_door USING (true);
CREATE POLICY door ON publication  FOR SELECT TO cheoyong_door USING (true);  -- what was published is public

GRANT INSERT ON observation, batch TO cheoyong_writer;
GRANT SELECT (id, datastream_id, phenomenon_time, digest) ON observation TO cheoyong_writer;
GRANT SELECT (number) ON batch TO cheoyong_writer;

GRANT SELECT ON observation, batch, datastream TO cheoyong_flow;
GRANT SELECT, INSERT ON quality TO cheoyong_flow;
GRANT SELECT, INSERT, UPDATE ON bookmark TO cheoyong_flow;
GRANT SELECT, INSERT ON command TO cheoyong_app;
GRANT SELECT, UPDATE ON command TO cheoyong_flow;
CREATE POLICY flow ON command TO cheoyong_flow USING (true) WITH CHECK (true);
CREATE POLICY flow ON datastream  FOR SELECT TO cheoyong_flow USING (true);
CREATE POLICY flow ON fact        TO cheoyong_flow USING (true) WITH CHECK (true);
CREATE POLICY flow ON alarm       TO cheoyong_flow USING (true) WITH CHECK (true);
CREATE POLICY flow ON incident    TO cheoyong_flow USING (true) WITH CHECK (true);
CREATE POLICY flow ON alert       TO cheoyong_flow USING (true) WITH CHECK (true);
CREATE POLICY flow ON publication TO cheoyong_flow USING (true) WITH CHECK (true);

-- Readers see observations through their datastreams. The view runs as its owner, a role that no one
-- can sign in as and that row security binds: the policy asks for the caller's organisation setting.
GRANT SELECT ON observation, quality, batch, datastream, bookmark TO cheoyong_view;
CREATE POLICY view ON datastream FOR SELECT TO cheoyong_view USING (organisation_id = current_organisation());
CREATE VIEW observation_visible WITH (security_barrier) AS
  SELECT o.* FROM datastream d JOIN observation o ON o.datastream_id = d.id;
CREATE VIEW quality_visible WITH (security_barrier) AS
  SELECT q.* FROM datastream d JOIN quality q ON q.datastream_id = d.id;
CREATE VIEW checked WITH (security_barrier) AS SELECT stage, xid, batch, now_at FROM bookmark;
CREATE VIEW batch_visible WITH (security_barrier) AS SELECT number, recorded_at, first_id, count FROM batch;
ALTER VIEW observation_visible OWNER TO cheoyong_view;
ALTER VIEW quality_visible OWNER TO cheoyong_view;
ALTER VIEW checked OWNER TO cheoyong_view;
ALTER VIEW batch_visible OWNER TO cheoyong_view;
GRANT SELECT ON observation_visible, quality_visible, checked, batch_visible TO cheoyong_app;

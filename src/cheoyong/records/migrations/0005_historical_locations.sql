-- Where a thing has been, and since when. Things that stood somewhere before this table was made have no
-- entry for it: since when they stood there was not written down.
CREATE TABLE historical_location (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES organisation,
  thing_id        bigint NOT NULL REFERENCES thing ON DELETE CASCADE,
  moved_at        timestamptz NOT NULL
);
CREATE INDEX historical_location_organisation ON historical_location (organisation_id, id);
CREATE INDEX historical_location_thing ON historical_location (thing_id, moved_at);

CREATE TABLE historical_place (
  historical_location_id bigint NOT NULL REFERENCES historical_location ON DELETE CASCADE,
  location_id            bigint NOT NULL REFERENCES location ON DELETE CASCADE,
  organisation_id        int NOT NULL REFERENCES organisation,
  PRIMARY KEY (historical_location_id, location_id)
);
CREATE INDEX historical_place_location ON historical_place (location_id);

CREATE TRIGGER keep_changed AFTER UPDATE ON historical_location FOR EACH ROW
  WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION keep_registry_row();
CREATE TRIGGER keep_deleted AFTER DELETE ON historical_location FOR EACH ROW
  EXECUTE FUNCTION keep_registry_row();

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['historical_location', 'historical_place'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY own ON %I TO cheoyong_app
                    USING (organisation_id = current_organisation())
                    WITH CHECK (organisation_id = current_organisation())', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO cheoyong_app', t);
  END LOOP;
END $$;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cheoyong_app;

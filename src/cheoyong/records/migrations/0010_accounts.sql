-- What signing in needs beyond the spine, and less for everyone else to see.

-- An organisation's own name only; the list of all is for the door and the stages.
ALTER TABLE organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE organisation FORCE ROW LEVEL SECURITY;
CREATE POLICY own  ON organisation FOR SELECT TO cheoyong_app USING (id = current_organisation());
CREATE POLICY door ON organisation TO cheoyong_door USING (true) WITH CHECK (true);
CREATE POLICY flow ON organisation FOR SELECT TO cheoyong_flow USING (true);

-- Hashes of passwords, tokens and keys are read at the door only.
REVOKE ALL ON person, session, sign_in_link, api_key FROM cheoyong_app, cheoyong_door;
GRANT SELECT (id, organisation_id, login, name, role, natural_person, exercise, disabled_at, created_at),
      INSERT (id, organisation_id, login, name, role, natural_person, exercise, created_at),
      UPDATE (name, role, disabled_at) ON person TO cheoyong_app;
GRANT SELECT (organisation_id, person_id, ended_at, expires_at), UPDATE (ended_at) ON session TO cheoyong_app;
GRANT SELECT (id, organisation_id, name, prefix, can_write, thing_id, created_at, revoked_at),
      INSERT (organisation_id, name, prefix, secret_hash, can_write, thing_id, created_at),
      UPDATE (revoked_at) ON api_key TO cheoyong_app;

GRANT SELECT, INSERT, UPDATE (password_hash) ON person TO cheoyong_door;
GRANT SELECT, INSERT, UPDATE, DELETE ON session, sign_in_link TO cheoyong_door;
GRANT SELECT ON api_key TO cheoyong_door;
CREATE INDEX session_of_person ON session (person_id, created_at);
CREATE INDEX sign_in_link_of_person ON sign_in_link (person_id);

-- Observations that come together with entities are stored by the face itself, in the transaction of the
-- entities, so that all of it is there or nothing. The view's own condition is checked on every row: it must
-- belong to a datastream of the caller's organisation. The log of commits is not any organisation's.
GRANT INSERT ON observation TO cheoyong_view;
GRANT INSERT ON observation_changeable TO cheoyong_app;
GRANT INSERT, SELECT (number) ON batch TO cheoyong_app;

-- Whose a feature is that an observation names, and at which places the thing of its datastream stands, is
-- asked before it is taken in; whether the feature is still there, in the statement that stores it.
GRANT SELECT (id, organisation_id) ON feature TO cheoyong_flow;
CREATE POLICY flow ON feature FOR SELECT TO cheoyong_flow USING (true);
GRANT SELECT (thing_id, location_id) ON thing_location TO cheoyong_flow;
CREATE POLICY flow ON thing_location FOR SELECT TO cheoyong_flow USING (true);
GRANT SELECT (id) ON feature TO cheoyong_writer;
CREATE POLICY writer ON feature FOR SELECT TO cheoyong_writer USING (true);

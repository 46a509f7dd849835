-- The writer asks, in the very transaction that stores them, whether the datastreams of its observations
-- are still there: what is acknowledged belongs to something. Of a datastream it may know the id only.
GRANT SELECT (id) ON datastream TO cheoyong_writer;
CREATE POLICY writer ON datastream FOR SELECT TO cheoyong_writer USING (true);

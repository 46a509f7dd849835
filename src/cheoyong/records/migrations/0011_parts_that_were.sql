-- Of which observed properties the parts of a multi-datastream were is kept too: without it an old array
-- could not be read any more. row_id is the datastream's.
CREATE FUNCTION keep_datastream_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO registry_past (organisation_id, noun, row_id, gone, was)
  VALUES (OLD.organisation_id, TG_TABLE_NAME, OLD.datastream_id, true, to_jsonb(OLD));
  RETURN NULL;
END $$;
CREATE TRIGGER keep_deleted AFTER DELETE ON datastream_part FOR EACH ROW EXECUTE FUNCTION keep_datastream_part();

-- Lets the user gateway_reader read every table of the current database, and write none.
-- Run it as the owner of the tables, once the user exists; tables that this owner makes later are included.
DO $$
DECLARE
  place name;
BEGIN
  FOR place IN
    SELECT nspname FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO gateway_reader', place);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO gateway_reader', place);
  END LOOP;
END
$$;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO gateway_reader;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO gateway_reader;

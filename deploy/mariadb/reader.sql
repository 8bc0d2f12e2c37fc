-- Lets the user gateway_reader read every table of the current database, and write none. Also for MySQL.
-- Run it as an administrator, once the user exists; tables that are made later are included.
GRANT SELECT ON * TO gateway_reader@'%';

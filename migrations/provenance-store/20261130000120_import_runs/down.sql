ALTER TABLE imported_files DROP COLUMN import_line, DROP COLUMN import_id;

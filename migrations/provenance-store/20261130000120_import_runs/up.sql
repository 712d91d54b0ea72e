-- What was imported knows the line that brought it, so that a batch which is sent again because its answer was lost is
-- answered as it was the first time. Expands only.

-- safe: both columns are new and empty, so that the checks find nothing; they read the table once
ALTER TABLE imported_files
    ADD COLUMN import_id uuid,
    ADD COLUMN import_line bigint CHECK (import_line >= 1),
    ADD CONSTRAINT imported_files_line CHECK ((import_id IS NULL) = (import_line IS NULL));

COMMENT ON COLUMN imported_files.import_id IS
    'The import that brought it. The same line of the same import is told as imported again; any other is unchanged.';
COMMENT ON COLUMN imported_files.import_line IS 'The line of that import, from 1.';

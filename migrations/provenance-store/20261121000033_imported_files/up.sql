-- What was read from files of the earlier system, as it stood there, so that it can be written back unchanged.

CREATE TABLE imported_files (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('record', 'taint_event', 'checkpoint')),
    file_id text NOT NULL CHECK (char_length(file_id) BETWEEN 1 AND 255),
    file text NOT NULL CHECK (char_length(file) BETWEEN 1 AND 255),
    project_id text NOT NULL CHECK (char_length(project_id) BETWEEN 1 AND 255),
    record_seq bigint REFERENCES provenance_records (seq),
    body text NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    content_digest bytea CHECK (octet_length(content_digest) = 32),
    imported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT imported_files_record UNIQUE (record_seq),
    CONSTRAINT imported_files_of_a_record CHECK ((kind = 'record') = (record_seq IS NOT NULL)),
    CONSTRAINT imported_files_content CHECK ((kind = 'record') = (content_digest IS NOT NULL))
);

CREATE UNIQUE INDEX imported_files_file_id ON imported_files (kind, file_id);
CREATE UNIQUE INDEX imported_files_file ON imported_files (file) WHERE kind = 'record';
CREATE INDEX imported_files_project ON imported_files (project_id, kind, position);

COMMENT ON TABLE imported_files IS
    'One row per imported record, taint event or checkpoint: the JSON as it was in its file. Written in the transaction that imports it.';
COMMENT ON COLUMN imported_files.position IS 'Order of import; taint events are written back in it.';
COMMENT ON COLUMN imported_files.file_id IS 'The id as it stands in the file: any text, not always a UUID.';
COMMENT ON COLUMN imported_files.file IS
    'Name of the file it is written back to. Of two records that came from files of one name the second is named by its id.';
COMMENT ON COLUMN imported_files.project_id IS 'The project whose export it belongs to.';
COMMENT ON COLUMN imported_files.record_seq IS 'The record that it became.';
COMMENT ON COLUMN imported_files.body IS 'The JSON text, members that have no column included.';
COMMENT ON COLUMN imported_files.digest IS
    'SHA-256 of what may not change: of a record everything but its verification and its marks. Importing it again changes nothing; importing something else under the same id is refused.';
COMMENT ON COLUMN imported_files.content_digest IS
    'provenance_records.content_digest at the time of import. Differs once events have told more of the same attempt; then the record is written from its columns.';

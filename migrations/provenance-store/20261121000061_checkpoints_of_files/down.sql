DELETE FROM checkpoints WHERE file_id IS NOT NULL;
DROP INDEX checkpoints_newest;
COMMENT ON COLUMN checkpoints.position IS 'The last place in the record order (provenance_records.seq) when it was made.';
ALTER TABLE checkpoints
    DROP COLUMN file_id,
    DROP COLUMN number;

-- Checkpoints that were read from checkpoints.json can be returned to like any other. Expands only.

ALTER TABLE checkpoints
    ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN file_id text CHECK (char_length(file_id) BETWEEN 1 AND 255);

COMMENT ON COLUMN checkpoints.number IS 'The order in which they were written down, which is the order of an export.';
COMMENT ON COLUMN checkpoints.file_id IS
    'The id in checkpoints.json, of those that were read from there; null for one made here.';
COMMENT ON COLUMN checkpoints.position IS
    'The last place in the record order (provenance_records.seq) when it was made. 0 for one from a file: what came after that is told by the records'' times.';

CREATE INDEX checkpoints_newest ON checkpoints (project_id, created_at DESC, position DESC);

-- Those that were imported before and are plain enough to be read here; the others come with the next import.
INSERT INTO checkpoints (checkpoint_id, project_id, position, provenance_count, description, trigger, is_valid, created_at, file_id)
SELECT file_id::uuid, project_id, 0,
    CASE WHEN body::json ->> 'provenance_count' ~ '^[0-9]{1,18}$' THEN (body::json ->> 'provenance_count')::bigint ELSE 0 END,
    COALESCE(body::json ->> 'description', ''), COALESCE(body::json ->> 'trigger', 'manual'),
    COALESCE(body::json ->> 'is_valid', 'true') <> 'false',
    (body::json ->> 'created_at')::timestamp AT TIME ZONE 'UTC', file_id
FROM (SELECT * FROM imported_files WHERE kind = 'checkpoint' AND position('\u0000' IN body) = 0 OFFSET 0) file
WHERE file_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    AND body::json ->> 'created_at' ~ '^20[0-9]{2}-[01][0-9]-[0-2][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?$'
ON CONFLICT DO NOTHING;

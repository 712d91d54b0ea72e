-- Checkpoints and rollbacks. Expands only.

CREATE TABLE checkpoints (
    checkpoint_id uuid PRIMARY KEY,
    project_id text NOT NULL CHECK (char_length(project_id) BETWEEN 1 AND 255),
    position bigint NOT NULL CHECK (position >= 0),
    provenance_count bigint NOT NULL CHECK (provenance_count >= 0),
    last_provenance_id uuid,
    last_task_id uuid,
    description text NOT NULL DEFAULT '',
    trigger text NOT NULL,
    is_valid boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);

CREATE INDEX checkpoints_of_project ON checkpoints (project_id, position DESC, created_at DESC);

COMMENT ON TABLE checkpoints IS 'Points in a project''s record order that can be returned to.';
COMMENT ON COLUMN checkpoints.position IS 'The last place in the record order (provenance_records.seq) when it was made.';
COMMENT ON COLUMN checkpoints.trigger IS 'auto, manual or milestone.';
COMMENT ON COLUMN checkpoints.is_valid IS
    'False once a rollback went back behind it, or too many newer ones exist; invalid ones are kept.';

CREATE TABLE rollbacks (
    rollback_id uuid PRIMARY KEY,
    checkpoint_id uuid NOT NULL,
    reason text NOT NULL DEFAULT '',
    result jsonb NOT NULL CHECK (jsonb_typeof(result) = 'object'),
    at timestamptz NOT NULL
);

COMMENT ON TABLE rollbacks IS 'Rollbacks that were carried out or refused; asking for one again changes nothing.';
COMMENT ON COLUMN rollbacks.result IS 'The data of its rollback.completed.';

ALTER TABLE project_counters
    ADD COLUMN checkpointed_records bigint NOT NULL DEFAULT 0,
    ADD COLUMN checkpointed_at timestamptz;

COMMENT ON COLUMN project_counters.checkpointed_records IS 'How many records there were at the newest checkpoint.';
COMMENT ON COLUMN project_counters.checkpointed_at IS
    'When the newest checkpoint was made; of a project without any, when somebody first looked.';

-- What the gateway knows of artifacts that were found wrong, which tasks may go on in spite of it, and the rollbacks
-- whose tasks it runs again. Expands only.

CREATE TABLE tainted_artifacts (
    artifact_id text PRIMARY KEY,
    marked_at timestamptz NOT NULL,
    cascade_id text
);
COMMENT ON TABLE tainted_artifacts IS 'Artifacts whose newest version is tainted, as events told. A task that would use one is held.';
COMMENT ON COLUMN tainted_artifacts.marked_at IS 'A version that is recorded later is another one.';

CREATE TABLE input_releases (
    task_id uuid PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
    released_at timestamptz NOT NULL,
    reason text
);
COMMENT ON TABLE input_releases IS 'Tasks that were told to go on whatever their inputs are.';

CREATE INDEX tasks_with_tainted_input ON tasks (task_id) WHERE phase = 'blocked' AND waiting_reason = 'tainted_input';

CREATE TABLE rollbacks (
    rollback_id uuid PRIMARY KEY,
    checkpoint_id uuid NOT NULL,
    project_id text,
    reason text NOT NULL DEFAULT '',
    status text NOT NULL CHECK (status IN ('requested', 'reopening', 'completed', 'failed')),
    result jsonb,
    tasks_reopened bigint NOT NULL DEFAULT 0 CHECK (tasks_reopened >= 0),
    requested_at timestamptz NOT NULL,
    completed_at timestamptz,
    CONSTRAINT rollbacks_ended_has_time CHECK ((completed_at IS NOT NULL) = (status IN ('completed', 'failed')))
);
COMMENT ON TABLE rollbacks IS 'Rollbacks that were asked for here, or that were heard of.';
COMMENT ON COLUMN rollbacks.result IS 'The data of rollback.completed; null before.';

CREATE TABLE rollback_tasks (
    rollback_id uuid NOT NULL REFERENCES rollbacks ON DELETE CASCADE,
    task_id uuid NOT NULL,
    PRIMARY KEY (rollback_id, task_id)
);
COMMENT ON TABLE rollback_tasks IS 'Tasks that a rollback has still to run again; a row goes when that is done.';

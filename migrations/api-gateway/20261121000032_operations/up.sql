-- What operators look at: the workers that were heard of, and what failed last.

CREATE TABLE workers (
    worker_id text PRIMARY KEY CHECK (length(worker_id) BETWEEN 1 AND 255),
    tier text,
    current_task uuid,
    tasks_completed bigint NOT NULL DEFAULT 0 CHECK (tasks_completed >= 0),
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
-- Rows are rewritten again and again. No index but the key, and room in each page: so they are rewritten in place.
) WITH (fillfactor = 60);
COMMENT ON TABLE workers IS 'Workers as their events tell; written every few seconds, so a crash may lose the last of them.';
COMMENT ON COLUMN workers.current_task IS 'What it began last; whether it still works on it the task knows.';

CREATE INDEX tasks_failed ON tasks (completed_at DESC, task_id DESC) WHERE status = 'failed';

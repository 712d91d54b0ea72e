-- The gateway's database: projects, tasks, dependencies between them, their history, and the outbox and inbox
-- that carry events out of and into the same transactions.

CREATE TABLE projects (
    project_id text PRIMARY KEY CHECK (length(project_id) BETWEEN 1 AND 255),
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    repo_url text,
    config jsonb NOT NULL DEFAULT '{}',
    constitution jsonb,
    max_concurrent integer CHECK (max_concurrent > 0),
    active bigint NOT NULL DEFAULT 0 CHECK (active >= 0),
    waiting bigint NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    pending bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
    running bigint NOT NULL DEFAULT 0 CHECK (running >= 0),
    completed bigint NOT NULL DEFAULT 0 CHECK (completed >= 0),
    failed bigint NOT NULL DEFAULT 0 CHECK (failed >= 0),
    cancelled bigint NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    execution_time_ms bigint NOT NULL DEFAULT 0,
    tokens_input bigint NOT NULL DEFAULT 0,
    tokens_output bigint NOT NULL DEFAULT 0,
    last_activity_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE projects IS 'One row per project; counters are kept by the transitions of its tasks, in the same transaction.';
COMMENT ON COLUMN projects.max_concurrent IS 'Tasks that may hold a slot at once; null: the default from settings.';
COMMENT ON COLUMN projects.active IS 'Tasks that hold a slot now.';
COMMENT ON COLUMN projects.waiting IS 'Tasks that only wait for a slot.';
COMMENT ON COLUMN projects.execution_time_ms IS 'Sum over completed tasks, from admission to completion.';

INSERT INTO projects (project_id, name, description) VALUES ('default', 'default', 'Tasks that name no project');

CREATE TABLE project_tiers (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    tier text NOT NULL,
    tasks bigint NOT NULL DEFAULT 0 CHECK (tasks >= 0),
    PRIMARY KEY (project_id, tier)
);
COMMENT ON TABLE project_tiers IS 'How many tasks of a project are at, or ended at, each tier.';

CREATE TABLE tasks (
    -- what was asked for; never changes
    task_id uuid PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects,
    description text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
    execution_mode text NOT NULL,
    options jsonb NOT NULL,
    inputs jsonb NOT NULL,
    depends_on uuid[] NOT NULL,
    not_before timestamptz,
    metadata jsonb NOT NULL,
    constitution jsonb,
    parent_id uuid REFERENCES tasks ON DELETE CASCADE,
    work_type text,
    parameters jsonb,
    trace_id uuid NOT NULL,
    first_request_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    -- where it is
    status text NOT NULL,
    phase text NOT NULL,
    attempt integer NOT NULL CHECK (attempt >= 1),
    max_attempts integer NOT NULL CHECK (max_attempts >= 1),
    request_id uuid NOT NULL,
    sequence bigint NOT NULL,
    waiting_reason text,
    waiting_detail text,
    wake_at timestamptz,
    deadline_at timestamptz,
    phase_since timestamptz NOT NULL,
    admitted_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz NOT NULL,
    -- how it was routed
    work_mode text,
    domain text,
    tier text,
    qa_profile text,
    routing jsonb,
    minimum_tier text,
    rejections_at_tier integer NOT NULL DEFAULT 0,
    -- what the current attempt has shown
    worker_id text,
    work_started_at timestamptz,
    progress_percent double precision,
    progress_message text,
    artifacts jsonb NOT NULL DEFAULT '[]',
    model_used text,
    tokens_input bigint,
    tokens_output bigint,
    execution_time_ms bigint,
    output text,
    exit_code bigint,
    review jsonb,
    subtasks_total integer NOT NULL DEFAULT 0,
    subtasks_completed integer NOT NULL DEFAULT 0,
    subtasks_failed integer NOT NULL DEFAULT 0,
    -- what earlier attempts left
    feedback jsonb NOT NULL DEFAULT '[]',
    errors jsonb NOT NULL DEFAULT '[]',
    error jsonb,
    CONSTRAINT tasks_phase_fits_status CHECK (
        (status = 'pending' AND phase IN ('submitted', 'blocked', 'routing'))
        OR (status = 'running' AND phase IN ('ready', 'executing', 'validating', 'in_review', 'decomposed'))
        OR (status IN ('completed', 'failed', 'cancelled') AND phase = 'done')
    ),
    CONSTRAINT tasks_ended_has_time CHECK ((completed_at IS NOT NULL) = (phase = 'done')),
    CONSTRAINT tasks_failed_has_error CHECK ((error IS NOT NULL) = (status = 'failed'))
);
COMMENT ON TABLE tasks IS 'One row per task: its submission, its state, and the current attempt.';
COMMENT ON COLUMN tasks.wake_at IS 'The one timer: end of a wait, of the phase or of the attempt.';
COMMENT ON COLUMN tasks.sequence IS 'Grows by one with every change; optimistic guard of updates.';

CREATE INDEX tasks_newest ON tasks (created_at DESC, task_id DESC);
CREATE INDEX tasks_newest_of_project ON tasks (project_id, created_at DESC, task_id DESC);
CREATE INDEX tasks_newest_of_status ON tasks (status, created_at DESC, task_id DESC);
CREATE INDEX tasks_of_parent ON tasks (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_open_children ON tasks (parent_id) WHERE parent_id IS NOT NULL AND phase <> 'done';
CREATE INDEX tasks_decomposed ON tasks (task_id) WHERE phase = 'decomposed';
CREATE INDEX tasks_of_trace ON tasks (trace_id);
CREATE INDEX tasks_due ON tasks (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX tasks_awaiting_slot ON tasks (project_id, priority DESC, created_at, task_id)
    WHERE phase = 'submitted' AND waiting_reason = 'slot';
CREATE INDEX tasks_tags ON tasks USING gin ((metadata -> 'tags') jsonb_path_ops) WHERE metadata ? 'tags';

CREATE TABLE task_dependencies (
    task_id uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    depends_on uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    PRIMARY KEY (task_id, depends_on)
);
CREATE INDEX task_dependencies_dependents ON task_dependencies (depends_on);
COMMENT ON TABLE task_dependencies IS 'task_id is not released before depends_on is completed.';

CREATE TABLE task_history (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES tasks ON DELETE CASCADE,
    at timestamptz NOT NULL,
    event text NOT NULL,
    event_id uuid,
    from_phase text NOT NULL,
    to_phase text NOT NULL,
    attempt integer NOT NULL,
    applied boolean NOT NULL,
    reason text,
    source text NOT NULL,
    trace_id uuid
);
CREATE INDEX task_history_of_task ON task_history (task_id, sequence);
COMMENT ON TABLE task_history IS 'Every event that touched a task, applied or ignored with the reason; append-only.';

CREATE TABLE task_durations (
    tier text NOT NULL,
    domain text NOT NULL,
    samples bigint NOT NULL,
    mean_ms double precision NOT NULL,
    PRIMARY KEY (tier, domain)
);
COMMENT ON TABLE task_durations IS 'Moving average from admission to completion, for estimates.';

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    event_type text NOT NULL,
    content_type text NOT NULL,
    correlation_id text,
    traceparent text,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_until timestamptz
);
CREATE INDEX outbox_created_at ON outbox (created_at);
COMMENT ON TABLE outbox IS 'Events that are committed but not yet confirmed by the broker.';

CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inbox_received_at ON inbox (received_at);
COMMENT ON TABLE inbox IS 'Ids of events that were applied; a redelivery of one changes nothing.';

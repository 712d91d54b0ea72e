-- The registry of agents, fed by their heartbeats, and the way from an agent to the work that it holds.

CREATE TABLE agents (
    agent_id uuid NOT NULL,
    agent_type text NOT NULL,
    -- Agents without an id of their own all send zeros: those are told apart by their type.
    unnamed_type text GENERATED ALWAYS AS (
        CASE WHEN agent_id = '00000000-0000-0000-0000-000000000000' THEN agent_type ELSE '' END
    ) STORED,
    status text NOT NULL CHECK (status IN ('online', 'offline', 'busy')),
    resources jsonb NOT NULL,
    current_task_id uuid,
    first_seen_at timestamptz NOT NULL,
    last_heartbeat_at timestamptz NOT NULL,
    heartbeats bigint NOT NULL CHECK (heartbeats >= 1),
    offline_since timestamptz,
    PRIMARY KEY (agent_id, unnamed_type)
-- Rows are rewritten with every heartbeat. No index but the key, and room in each page: so they are rewritten in place.
) WITH (fillfactor = 60);
COMMENT ON TABLE agents IS 'Agents by their heartbeats; forgotten a day after the last one.';
COMMENT ON COLUMN agents.status IS 'What the agent last said; whether it is online now follows from last_heartbeat_at.';
COMMENT ON COLUMN agents.current_task_id IS 'What the agent last said; not necessarily a task of ours.';
COMMENT ON COLUMN agents.last_heartbeat_at IS 'When it was received: agents'' own clocks are not trusted.';
COMMENT ON COLUMN agents.heartbeats IS 'Heartbeats under this id. Many agents take a new id each time; those are never missed.';
COMMENT ON COLUMN agents.offline_since IS 'When its silence was announced; empty again with its next heartbeat.';

CREATE INDEX tasks_held_by_agents ON tasks (worker_id) WHERE phase = 'executing' AND work_type IS NOT NULL;

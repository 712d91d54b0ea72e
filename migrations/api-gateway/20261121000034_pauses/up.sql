-- Projects and tiers in which nothing new is released. Durable: a restart does not resume anything.

ALTER TABLE projects
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN pause_reason text,
    ADD COLUMN paused_by text;
COMMENT ON COLUMN projects.paused_at IS 'Since when none of its tasks is released; null while it is not paused.';

CREATE TABLE paused_tiers (
    tier text PRIMARY KEY,
    paused_at timestamptz NOT NULL,
    pause_reason text,
    paused_by text
);
COMMENT ON TABLE paused_tiers IS 'Tiers for which no task is released that is known to go there.';

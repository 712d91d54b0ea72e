DROP TABLE paused_tiers;

ALTER TABLE projects
    DROP COLUMN paused_at,
    DROP COLUMN pause_reason,
    DROP COLUMN paused_by;

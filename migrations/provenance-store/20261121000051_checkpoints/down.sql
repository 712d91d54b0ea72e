ALTER TABLE project_counters
    DROP COLUMN checkpointed_at,
    DROP COLUMN checkpointed_records;
DROP TABLE rollbacks;
DROP TABLE checkpoints;

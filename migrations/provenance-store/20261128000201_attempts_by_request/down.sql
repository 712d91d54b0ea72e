ALTER TABLE task_attempts DROP COLUMN request_id;

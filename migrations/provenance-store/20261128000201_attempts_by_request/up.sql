-- An agent's result says which hand-over it answers, not which attempt: the gateway's announcements say which is which.

ALTER TABLE task_attempts ADD COLUMN request_id uuid;

COMMENT ON COLUMN task_attempts.request_id IS
    'The hand-over of the attempt to an agent, as the gateway announced it; null for work that is not handed over by type.';

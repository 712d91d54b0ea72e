-- Finds old lines of histories when they are forgotten. Lines are appended in the order of time, so a summary of each
-- range of pages is enough, and costs an insert nothing.
CREATE INDEX task_history_by_time ON task_history USING brin (at);

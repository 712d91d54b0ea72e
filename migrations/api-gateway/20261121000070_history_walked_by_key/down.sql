CREATE INDEX task_history_by_time ON task_history USING brin (at);

DROP INDEX task_history_by_time;

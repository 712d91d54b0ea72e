-- Old lines of histories are found by walking the key, which has the order of time.
-- safe: only the forgetting of old lines used it; the version before still works, with a slower search, until it is gone.
DROP INDEX task_history_by_time;

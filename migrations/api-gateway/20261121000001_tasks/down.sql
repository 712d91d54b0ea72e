DROP TABLE inbox, outbox, task_durations, task_history, task_dependencies, tasks, project_tiers, projects;

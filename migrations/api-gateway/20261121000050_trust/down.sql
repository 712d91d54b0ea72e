DROP TABLE rollback_tasks;
DROP TABLE rollbacks;
DROP INDEX tasks_with_tainted_input;
DROP TABLE input_releases;
DROP TABLE tainted_artifacts;

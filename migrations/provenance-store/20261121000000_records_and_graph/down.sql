DROP TABLE inbox;
DROP TABLE outbox;
DROP TABLE project_counters;
DROP TABLE task_attempts;
DROP TABLE artifact_dependencies;
DROP TABLE artifacts;
DROP TABLE provenance_records;

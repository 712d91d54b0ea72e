-- What walks through the graph look up of every node they reach lies in indexes: the rows themselves are ten times as
-- large and scattered, and reading them was most of the time of an answer.

CREATE INDEX artifacts_named ON artifacts (id) INCLUDE (artifact_id, producer_seq);
CREATE INDEX provenance_records_owned ON provenance_records (seq) INCLUDE (project_id, task_id);

-- safe: provenance_records_project has the same columns
DROP INDEX provenance_records_of_project;

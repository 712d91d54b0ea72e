CREATE INDEX provenance_records_of_project ON provenance_records (project_id, seq);
DROP INDEX provenance_records_owned;
DROP INDEX artifacts_named;

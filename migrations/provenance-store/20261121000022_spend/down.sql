DROP INDEX provenance_records_model_newest;
DROP INDEX provenance_records_status_newest;
DROP INDEX provenance_records_project_newest;
DROP INDEX provenance_records_newest;
DROP TRIGGER provenance_records_spend_moved ON provenance_records;
DROP TRIGGER provenance_records_spend_added ON provenance_records;
DROP FUNCTION count_project_spend();
DROP TABLE project_spend;
ALTER TABLE provenance_records
    DROP CONSTRAINT provenance_records_priced,
    DROP COLUMN price_version,
    DROP COLUMN cost_micros;

CREATE INDEX provenance_records_status_newest ON provenance_records (status, created_at, seq);
DROP INDEX provenance_records_verdict_newest;
DROP TRIGGER provenance_records_marked_moved ON provenance_records;
DROP TRIGGER provenance_records_marked_added ON provenance_records;
DROP FUNCTION list_marked_records();
DROP TABLE marked_records;

ALTER TABLE artifacts DROP COLUMN content_matches;
DROP INDEX provenance_records_project;
ALTER TABLE provenance_records DROP COLUMN chain_position;
DROP TABLE record_chains;
DROP TABLE record_revisions;

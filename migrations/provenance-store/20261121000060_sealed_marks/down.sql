DROP INDEX record_revisions_marked;
COMMENT ON COLUMN record_revisions.digest IS 'SHA-256 over the record as it was since then, marks excepted.';
COMMENT ON COLUMN record_revisions.record_seq IS 'The record. No foreign key: the entry outlives a record that somebody removed.';
COMMENT ON COLUMN record_revisions.cause IS
    '"reported": a worker or agent told more; "judged": the verdict changed; "announced": the gateway told what the reporter had left out.';
ALTER TABLE record_revisions
    DROP CONSTRAINT record_revisions_cause_check,
    ADD CONSTRAINT record_revisions_cause_check CHECK (cause IN ('reported', 'judged', 'announced')) NOT VALID;
DROP INDEX taint_events_of_project;
ALTER TABLE taint_events
    DROP COLUMN origin,
    DROP COLUMN project_id;

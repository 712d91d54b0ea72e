-- The account of marks tells everything that a tainted record says of its taint, so that nothing of it can be changed
-- unnoticed. Expands only: rows from before tell as much as they did.

ALTER TABLE taint_events
    ADD COLUMN taint jsonb CHECK (jsonb_typeof(taint) = 'object');

COMMENT ON COLUMN taint_events.taint IS
    'What the record said of its taint once the row was written: at (microseconds), by, reason, cascade_id, rollback_id. Null where the record was not tainted, where there is none, and in rows from imports and from before.';

CREATE INDEX taint_events_of_nobody ON taint_events (artifact_id, id) WHERE record_seq IS NULL;

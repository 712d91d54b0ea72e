-- Marks: what was found wrong, what is built on it, and an account of every mark that was set or taken away.
-- Expands only: what was written before has no marks.

ALTER TABLE provenance_records
    ADD COLUMN mark_wave bigint,
    ADD COLUMN mark_depth integer CHECK (mark_depth >= 0),
    ADD COLUMN mark_origin bigint,
    ADD COLUMN cleared_wave bigint NOT NULL DEFAULT 0,
    ADD COLUMN rollback_id uuid;

COMMENT ON COLUMN provenance_records.mark_wave IS
    'The newest wave of suspicion that reaches the record; null if none does. A tainted record is reached like any other, but shows its taint.';
COMMENT ON COLUMN provenance_records.mark_depth IS 'Edges between the record and the artifact that the wave began at.';
COMMENT ON COLUMN provenance_records.mark_origin IS 'The version that the wave began at (artifacts.id).';
COMMENT ON COLUMN provenance_records.cleared_wave IS
    'Waves up to this number do not get through the record: somebody looked after them and found it good.';
COMMENT ON COLUMN provenance_records.rollback_id IS 'The rollback that took the record back.';

CREATE INDEX provenance_records_of_project ON provenance_records (project_id, seq);

CREATE SEQUENCE mark_waves;

CREATE TABLE artifact_marks (
    node_id bigint PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('tainted', 'suspect')),
    wave bigint NOT NULL,
    after_seq bigint NOT NULL DEFAULT 0,
    depth integer NOT NULL DEFAULT 0 CHECK (depth >= 0),
    cascade_id text NOT NULL,
    reason text NOT NULL DEFAULT '',
    source_id text,
    marked_at timestamptz NOT NULL
);

COMMENT ON TABLE artifact_marks IS
    'Where suspicion comes from: versions of artifacts that were found wrong, or that somebody suspects. Which records are suspect follows from these, the edges and the records'' cleared_wave.';
COMMENT ON COLUMN artifact_marks.node_id IS
    'The version (artifacts.id). No foreign key: it is looked up by the statement that sets the mark, and artifacts are never deleted.';
COMMENT ON COLUMN artifact_marks.wave IS 'Number of the mark; later marks have higher ones.';
COMMENT ON COLUMN artifact_marks.after_seq IS
    'Records up to this place in the record order are left alone: 0 reaches all, a rollback only those that come later.';
COMMENT ON COLUMN artifact_marks.depth IS 'Depth to count on from: that of the suspicion that was confirmed by it.';

CREATE TABLE taint_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    action text NOT NULL CHECK (action IN ('taint', 'suspect', 'clear')),
    artifact_id text,
    record_seq bigint,
    cascade_id text,
    depth integer NOT NULL DEFAULT 0,
    source_artifact_id text,
    reason text NOT NULL DEFAULT '',
    event_id uuid
);

CREATE INDEX taint_events_of_record ON taint_events (record_seq, id);
CREATE INDEX taint_events_of_cascade ON taint_events (cascade_id, id);

COMMENT ON TABLE taint_events IS
    'Every mark that was set or taken away, one row per artifact; append-only. Written in the transaction that changes the marks.';
COMMENT ON COLUMN taint_events.artifact_id IS 'Null for a record without outputs.';
COMMENT ON COLUMN taint_events.record_seq IS 'Null for an artifact that nobody produced.';
COMMENT ON COLUMN taint_events.depth IS 'Edges from the artifact that led to it.';
COMMENT ON COLUMN taint_events.source_artifact_id IS 'The artifact that led to it.';
COMMENT ON COLUMN taint_events.event_id IS 'The event that led to it; null for a direct request.';

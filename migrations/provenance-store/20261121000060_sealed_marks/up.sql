-- The account of marks becomes part of the projects' hash chains, and says where each of its rows comes from.

ALTER TABLE taint_events
    ADD COLUMN project_id text NOT NULL DEFAULT '' CHECK (char_length(project_id) <= 255),
    ADD COLUMN origin text NOT NULL DEFAULT 'here' CHECK (origin IN ('here', 'file', 'import'));

COMMENT ON COLUMN taint_events.project_id IS
    'The project whose chain seals it: that of the record at the time, empty where there was none.';
COMMENT ON COLUMN taint_events.origin IS
    '"here": it happened here; "file": an event that was read from taint_events.json; "import": the marks that a record''s file told when it was imported.';

CREATE INDEX taint_events_of_project ON taint_events (project_id, id);

-- safe: the version before sets none of the new columns and reads none of them
UPDATE taint_events SET origin = 'file'
FROM (
    SELECT COALESCE(body::json ->> 'artifact_id', '') AS artifact_id, COALESCE(body::json ->> 'reason', '') AS reason,
        COALESCE(body::json ->> 'cascade_id', '') AS cascade_id
    FROM (SELECT body FROM imported_files WHERE kind = 'taint_event' AND position('\u0000' IN body) = 0 OFFSET 0) file
) told
WHERE taint_events.event_id IS NULL AND told.artifact_id = COALESCE(taint_events.artifact_id, '')
    AND told.reason = taint_events.reason AND told.cascade_id = COALESCE(taint_events.cascade_id, '');

-- From here on the last row about a record that did not come from a file of events says how it is marked.
INSERT INTO taint_events (at, action, record_seq, cascade_id, source_artifact_id, reason, origin)
SELECT COALESCE(tainted_at, suspect_since, now()), CASE WHEN is_tainted THEN 'taint' ELSE 'suspect' END, seq,
    cascade_id, suspect_source, COALESCE(tainted_reason, ''), 'import'
FROM provenance_records WHERE is_tainted OR is_suspect ORDER BY seq;

-- safe: the version before writes only what the old rule allows
ALTER TABLE record_revisions
    DROP CONSTRAINT record_revisions_cause_check,
    ADD CONSTRAINT record_revisions_cause_check CHECK (cause IN ('reported', 'judged', 'announced', 'marked'));

COMMENT ON COLUMN record_revisions.cause IS
    '"reported": a worker or agent told more; "judged": the verdict changed; "announced": the gateway told what the reporter had left out; "marked": the link seals the project''s taint_events since the link of that kind before it.';
COMMENT ON COLUMN record_revisions.record_seq IS
    'The record. No foreign key: the entry outlives a record that somebody removed. Of "marked" the last of the taint_events that it seals.';
COMMENT ON COLUMN record_revisions.digest IS
    'SHA-256 over the record as it was since then, marks excepted. Of "marked" over the taint_events that it seals.';

CREATE INDEX record_revisions_marked ON record_revisions (project_id, position) WHERE cause = 'marked';

-- Records of what was made, by whom, from what; the graph of artifacts; what is needed to deliver and to apply
-- every event exactly once. Only the provenance-store writes here, one transaction at a time (advisory lock).

CREATE TABLE provenance_records (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provenance_id uuid NOT NULL,
    task_id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt >= 1),
    -- what was told
    report_kind text NOT NULL CHECK (report_kind IN ('output', 'result')),
    reported_at timestamptz NOT NULL,
    reported_by uuid NOT NULL,
    project_id text CHECK (char_length(project_id) BETWEEN 1 AND 255),
    tier text,
    domain text,
    model_used text,
    worker_id text,
    tokens_input bigint CHECK (tokens_input >= 0),
    tokens_output bigint CHECK (tokens_output >= 0),
    execution_time_ms bigint CHECK (execution_time_ms >= 0),
    confidence double precision,
    execution jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(execution) = 'object'),
    inputs jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(inputs) = 'array'),
    inputs_read_at timestamptz NOT NULL,
    started_at timestamptz,
    completed_at timestamptz,
    filled_in jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(filled_in) = 'array'),
    content_digest bytea NOT NULL CHECK (octet_length(content_digest) = 32),
    -- how it was judged
    verdict text NOT NULL DEFAULT 'pending' CHECK (verdict IN ('pending', 'passed', 'failed', 'human_approved')),
    verification jsonb CHECK (jsonb_typeof(verification) = 'object'),
    verified_at timestamptz,
    -- what was found out later
    is_tainted boolean NOT NULL DEFAULT false,
    tainted_at timestamptz,
    tainted_reason text,
    tainted_by text,
    is_suspect boolean NOT NULL DEFAULT false,
    suspect_since timestamptz,
    suspect_source text,
    cascade_id text,
    status text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN is_tainted THEN 'tainted' WHEN is_suspect THEN 'suspect' ELSE verdict END
    ) STORED,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT provenance_records_provenance_id UNIQUE (provenance_id),
    CONSTRAINT provenance_records_one_mark CHECK (NOT (is_tainted AND is_suspect)),
    CONSTRAINT provenance_records_judged CHECK (verdict = 'pending' OR verification IS NOT NULL)
) WITH (fillfactor = 85);

CREATE INDEX provenance_records_task ON provenance_records (task_id, attempt DESC, seq DESC);

COMMENT ON TABLE provenance_records IS
    'One row per task attempt that produced something: who did it, with what, from what, how it was judged, and what was found wrong later.';
COMMENT ON COLUMN provenance_records.seq IS
    'Record order. Assigned under the graph writer''s lock, so it grows in commit order; it may have gaps.';
COMMENT ON COLUMN provenance_records.provenance_id IS
    'UUIDv5 of "<task_id>/<attempt>": every service can name the record without asking.';
COMMENT ON COLUMN provenance_records.report_kind IS
    '"output": a worker''s task.output.created; "result": an agent''s task.completed. An output outranks a result.';
COMMENT ON COLUMN provenance_records.reported_at IS
    'Time of the event that the reported columns were taken from; of several, the earliest of the highest kind.';
COMMENT ON COLUMN provenance_records.reported_by IS 'Id of that event.';
COMMENT ON COLUMN provenance_records.execution IS 'Further details as the reporter told them (exit code, resources, ...).';
COMMENT ON COLUMN provenance_records.inputs IS
    'What was used, as told: [{artifact_id, relationship, checksum?}]. The edges in artifact_dependencies are derived from it.';
COMMENT ON COLUMN provenance_records.inputs_read_at IS
    'When the inputs were read: the reported start, else the report itself. Decides which version of an artifact was used.';
COMMENT ON COLUMN provenance_records.filled_in IS
    'Names of columns that the reporter left out and the gateway''s task.status events told instead.';
COMMENT ON COLUMN provenance_records.content_digest IS
    'SHA-256 over what was reported, in canonical form. Verdict, marks and filled-in columns are not part of it.';
COMMENT ON COLUMN provenance_records.verdict IS 'The judgement of QA, of a person, or of the gateway where no QA was wanted.';
COMMENT ON COLUMN provenance_records.verification IS 'The whole verdict: source, time, score, issues, reason, who.';
COMMENT ON COLUMN provenance_records.status IS 'What users see: a mark outweighs the verdict.';

CREATE TABLE artifacts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    artifact_id text NOT NULL CHECK (char_length(artifact_id) BETWEEN 1 AND 255),
    producer_seq bigint REFERENCES provenance_records (seq),
    position integer NOT NULL DEFAULT 0 CHECK (position >= 0),
    artifact_type text NOT NULL DEFAULT '',
    path text,
    language text,
    checksum text,
    size_bytes bigint CHECK (size_bytes >= 0),
    produced_at timestamptz,
    reported_by uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT artifacts_version UNIQUE (producer_seq, artifact_id),
    CONSTRAINT artifacts_produced CHECK (
        (producer_seq IS NULL) = (produced_at IS NULL) AND (producer_seq IS NULL) = (reported_by IS NULL)
    )
);

CREATE UNIQUE INDEX artifacts_outside ON artifacts (artifact_id) WHERE producer_seq IS NULL;
CREATE INDEX artifacts_by_age ON artifacts (artifact_id, produced_at, reported_by);

COMMENT ON TABLE artifacts IS
    'Nodes of the graph: one per version, that is per artifact id and producing record, and one for each artifact that was used but that no record produced.';
COMMENT ON COLUMN artifacts.id IS 'Stands for the version in the edges.';
COMMENT ON COLUMN artifacts.artifact_id IS 'The outside name; several producers of one name make several versions, the last produced is the default.';
COMMENT ON COLUMN artifacts.producer_seq IS
    'The producing record; null while none is known. The first producer to turn up takes such a node over, edges included.';
COMMENT ON COLUMN artifacts.position IS 'Place among the outputs of its report.';
COMMENT ON COLUMN artifacts.produced_at IS 'Time of the event that told of it.';
COMMENT ON COLUMN artifacts.reported_by IS 'Id of that event; breaks ties of produced_at.';

CREATE TABLE artifact_dependencies (
    input_id bigint NOT NULL,
    output_id bigint NOT NULL,
    relationship text NOT NULL CHECK (relationship IN ('consumed', 'referenced')),
    checksum text,
    checksum_matches boolean,
    PRIMARY KEY (input_id, output_id)
);

CREATE INDEX artifact_dependencies_upstream ON artifact_dependencies (output_id, input_id);
CREATE INDEX artifact_dependencies_unconfirmed ON artifact_dependencies (input_id, checksum)
    WHERE checksum IS NOT NULL AND checksum_matches IS NOT TRUE;

COMMENT ON TABLE artifact_dependencies IS
    'Edges of the graph: every input of a record leads to every output of it. Derived from provenance_records.inputs; never a source of truth.';
COMMENT ON COLUMN artifact_dependencies.input_id IS
    'The version that was used (artifacts.id). No foreign key: both ends are looked up by the statement that writes the edge, and artifacts are never deleted.';
COMMENT ON COLUMN artifact_dependencies.output_id IS 'The version that was made from it (artifacts.id).';
COMMENT ON COLUMN artifact_dependencies.checksum IS 'The input''s checksum at the time of use, where it was told.';
COMMENT ON COLUMN artifact_dependencies.checksum_matches IS
    'Whether that is the checksum of the version the edge leads to; null where either is not known.';

CREATE TABLE task_attempts (
    task_id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt >= 1),
    sequence bigint,
    project_id text CHECK (char_length(project_id) BETWEEN 1 AND 255),
    tier text,
    domain text,
    started_at timestamptz,
    verdict jsonb CHECK (jsonb_typeof(verdict) = 'object'),
    PRIMARY KEY (task_id, attempt),
    CONSTRAINT task_attempts_announced CHECK ((sequence IS NULL) = (project_id IS NULL))
) WITH (fillfactor = 70);

COMMENT ON TABLE task_attempts IS
    'What was told about an attempt apart from its output, kept so that the order of events does not matter: the gateway''s announcements, and the verdict, which may come before the output. A record is the projection of its report and of this row.';
COMMENT ON COLUMN task_attempts.sequence IS
    'The gateway''s sequence number of the announcement that project, tier and domain were taken from; null if there was none.';
COMMENT ON COLUMN task_attempts.started_at IS 'When the gateway first said that the attempt executes.';

CREATE TABLE project_counters (
    project_id text PRIMARY KEY CHECK (char_length(project_id) BETWEEN 1 AND 255),
    records bigint NOT NULL DEFAULT 0 CHECK (records >= 0),
    tainted bigint NOT NULL DEFAULT 0 CHECK (tainted >= 0),
    suspect bigint NOT NULL DEFAULT 0 CHECK (suspect >= 0)
) WITH (fillfactor = 50);

COMMENT ON TABLE project_counters IS
    'Numbers behind a project''s health, changed in the transaction that changes the records, so that no request counts rows.';

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    event_type text NOT NULL,
    content_type text NOT NULL,
    correlation_id text,
    traceparent text,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_until timestamptz
);
CREATE INDEX outbox_created_at ON outbox (created_at);

COMMENT ON TABLE outbox IS
    'Events that follow from committed state and that the broker has not confirmed yet.';
COMMENT ON COLUMN outbox.claimed_until IS 'Until when a sweeper has taken the row for publishing.';

CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inbox_received_at ON inbox (received_at);

COMMENT ON TABLE inbox IS 'Ids of applied events: a redelivery changes nothing. Old rows are deleted.';

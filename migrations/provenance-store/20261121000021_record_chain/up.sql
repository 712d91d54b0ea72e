-- Every version of every record, linked by hashes: what is altered, removed or moved by other hands than the
-- service's breaks a link. And whether a content that came along is what its checksum says.

CREATE TABLE record_revisions (
    project_id text NOT NULL CHECK (char_length(project_id) <= 255),
    position bigint NOT NULL CHECK (position >= 1),
    record_seq bigint NOT NULL,
    provenance_id uuid NOT NULL,
    cause text NOT NULL CHECK (cause IN ('reported', 'judged', 'announced')),
    verdict text NOT NULL,
    revised_at timestamptz NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (project_id, position)
);

COMMENT ON TABLE record_revisions IS
    'Append-only log: a row whenever what a record says changes, a chain per project. The rows of cause "judged" are the events of verification.';
COMMENT ON COLUMN record_revisions.project_id IS 'The project of the record at that time; empty while it was not known.';
COMMENT ON COLUMN record_revisions.position IS 'Place in the project''s chain, from 1, without gaps.';
COMMENT ON COLUMN record_revisions.record_seq IS 'The record. No foreign key: the entry outlives a record that somebody removed.';
COMMENT ON COLUMN record_revisions.cause IS
    '"reported": a worker or agent told more; "judged": the verdict changed; "announced": the gateway told what the reporter had left out.';
COMMENT ON COLUMN record_revisions.verdict IS 'The verdict since then.';
COMMENT ON COLUMN record_revisions.digest IS 'SHA-256 over the record as it was since then, marks excepted.';
COMMENT ON COLUMN record_revisions.hash IS 'SHA-256 over the hash before it and everything else in this row.';

CREATE TABLE record_chains (
    project_id text PRIMARY KEY CHECK (char_length(project_id) <= 255),
    length bigint NOT NULL CHECK (length >= 1),
    head bytea NOT NULL CHECK (octet_length(head) = 32)
) WITH (fillfactor = 50);

COMMENT ON TABLE record_chains IS 'Where each project''s chain ends, so that a removed end is noticed.';

ALTER TABLE provenance_records
    ADD COLUMN chain_position bigint CHECK (chain_position >= 1);
COMMENT ON COLUMN provenance_records.chain_position IS
    'Place of the record''s latest revision in its project''s chain; null for records from before there were chains.';

CREATE INDEX provenance_records_project ON provenance_records (project_id, seq);

ALTER TABLE artifacts
    ADD COLUMN content_matches boolean;
COMMENT ON COLUMN artifacts.content_matches IS
    'Whether the content that came along has the checksum that was told; null where no content came along.';

-- Which artifacts hold tasks back: what the provenance-store told last of each, and taints that it has not answered yet.
-- Takes the place of tainted_artifacts, which stays for replicas of the version before.

CREATE TABLE artifact_standings (
    artifact_id text PRIMARY KEY,
    is_tainted boolean NOT NULL,
    moment bigint NOT NULL,
    heard_at timestamptz NOT NULL
);
COMMENT ON TABLE artifact_standings IS
    'Whether the newest version of an artifact is tainted, as the provenance-store told last. What is tainted no longer is kept for a while, so that older news of it is known to be old.';
COMMENT ON COLUMN artifact_standings.moment IS 'The store''s own clock: news with a lower one are older.';
CREATE INDEX artifact_standings_tainted ON artifact_standings (artifact_id) WHERE is_tainted;
CREATE INDEX artifact_standings_settled ON artifact_standings (heard_at) WHERE NOT is_tainted;

CREATE TABLE asked_taints (
    event_id uuid NOT NULL,
    artifact_id text NOT NULL,
    holds boolean NOT NULL,
    provenance_id uuid,
    cascade_id text,
    propagates boolean NOT NULL,
    given_up_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, artifact_id)
);
CREATE INDEX asked_taints_of_artifact ON asked_taints (artifact_id);
CREATE INDEX asked_taints_of_record ON asked_taints (provenance_id);
CREATE INDEX asked_taints_given_up ON asked_taints (given_up_at);
COMMENT ON COLUMN asked_taints.artifact_id IS 'Empty for a record that produced nothing.';
COMMENT ON COLUMN asked_taints.holds IS 'Whether the version that is meant is the newest, so that tasks would use it.';
COMMENT ON COLUMN asked_taints.provenance_id IS 'The record whose versions are meant; null where only names were given.';
COMMENT ON COLUMN asked_taints.given_up_at IS 'When an answer is expected no longer: the event was refused, or lost with an old database.';
COMMENT ON TABLE asked_taints IS
    'Artifacts that somebody said to be wrong, by the event that carries it, until the provenance-store says how they stand since.';

-- safe: nobody knows it yet
CREATE VIEW distrusted_artifacts AS
SELECT artifact_id FROM artifact_standings WHERE is_tainted
UNION ALL
SELECT artifact_id FROM asked_taints WHERE holds;
COMMENT ON VIEW distrusted_artifacts IS 'A task that would use one of these is held.';

INSERT INTO artifact_standings (artifact_id, is_tainted, moment, heard_at)
SELECT artifact_id, true, 0, marked_at FROM tainted_artifacts;
COMMENT ON TABLE tainted_artifacts IS 'Of the version before; see artifact_standings.';

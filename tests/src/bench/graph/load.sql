-- Fills an empty provenance database with a graph of generated work. @SIZE@ is the number of artifacts in a large world.
--
-- A world is one root artifact and `size` others that all depend on it: layers of `width`, in which each artifact was
-- made from two of the layer before, one of the layer before that and, one in eight, another one of the layer before.
-- So there are diamonds everywhere, and ways of different length to almost everything. The worlds of a kind grow side
-- by side, as the work of several projects does: neighbours in a world are not neighbours in the tables.

CREATE TEMPORARY TABLE kinds AS
SELECT *, 1 + COALESCE(sum(worlds * (size + 1)) OVER (ORDER BY kind ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW), 0)::bigint AS base
FROM (VALUES
    (1, 'large', 5, @SIZE@, greatest(@SIZE@ / 40, 100)),
    (2, 'middle', 30, @SIZE@ / 10, greatest(@SIZE@ / 200, 100)),
    (3, 'small', 200, @SIZE@ / 100, 100)
) kind (kind, name, worlds, size, width);

-- What each artifact was made from; records and artifacts have the same numbers.
CREATE TEMPORARY TABLE planned AS
SELECT base + item * worlds + world AS seq, name || '-' || world AS project, inputs
FROM kinds
CROSS JOIN generate_series(0, size) item
CROSS JOIN generate_series(0, worlds - 1) world
CROSS JOIN LATERAL (SELECT (item - 1) / width AS layer, (item - 1) % width AS place) at
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN item = 0 THEN '{}'::bigint[]
        WHEN layer = 0 THEN ARRAY[base + world]
        ELSE ARRAY[
            base + world + worlds * (1 + (layer - 1) * width + place),
            base + world + worlds * (1 + (layer - 1) * width + (place + 1 + place * 7 % 30) % width),
            base + world + worlds * (1 + greatest(layer - 2, 0) * width + (place + 31 + place * 11 % 30) % width)
        ] || CASE WHEN item % 8 = 0 THEN
            ARRAY[base + world + worlds * (1 + (layer - 1) * width + (place + 61 + place * 13 % 30) % width)]
        ELSE '{}' END
    END AS inputs
) made;

-- Indexes are built afterwards, which is several times faster.
CREATE TEMPORARY TABLE postponed AS
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index
WHERE indrelid IN ('provenance_records'::regclass, 'artifacts'::regclass, 'artifact_dependencies'::regclass)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid);
DO $$
DECLARE postponed record;
BEGIN
    FOR postponed IN SELECT * FROM postponed LOOP EXECUTE 'DROP INDEX ' || postponed.name; END LOOP;
END $$;

-- Triggers and foreign keys rest meanwhile; what they would have done is done below.
SET session_replication_role = replica;

INSERT INTO provenance_records (
    provenance_id, task_id, attempt, report_kind, reported_at, reported_by, project_id, tier, domain, model_used,
    worker_id, tokens_input, tokens_output, execution_time_ms, confidence, inputs, inputs_read_at, started_at,
    completed_at, content_digest, verdict, verification, verified_at, created_at)
SELECT md5('record ' || seq)::uuid, md5('task ' || seq)::uuid, 1, 'output', at, md5('event ' || seq)::uuid, project,
    'small', 'code-general', 'bench', 'bench-worker', 900, 120, 5, 0.9,
    (SELECT COALESCE(jsonb_agg(jsonb_build_object('artifact_id', 'artifact-' || input, 'relationship', 'consumed')), '[]')
        FROM unnest(inputs) input),
    at, at, at, sha256(seq::text::bytea), 'passed',
    jsonb_build_object('source', 'qa', 'outcome', 'passed', 'at', '2026-01-01T00:00:00.000Z',
        'event_id', md5('verdict ' || seq), 'score', 0.9),
    at, at
FROM planned CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' + seq * interval '1 second' AS at) moment
ORDER BY seq;

INSERT INTO artifacts (artifact_id, producer_seq, artifact_type, path, language, checksum, size_bytes, produced_at, reported_by)
SELECT 'artifact-' || seq, seq, 'code', 'src/' || seq || '.py', 'python', md5(seq::text), 90, reported_at, reported_by
FROM provenance_records ORDER BY seq;

INSERT INTO artifact_dependencies (input_id, output_id, relationship)
SELECT input, seq, 'consumed' FROM planned CROSS JOIN unnest(inputs) input ORDER BY input, seq;

-- One more part: a row, in which each artifact was made from the one before it. Nobody recorded it.
INSERT INTO artifacts (artifact_id)
SELECT 'artifact-' || number
FROM (SELECT max(seq) AS last FROM provenance_records) records, generate_series(last + 1, last + 1 + @SIZE@ / 10) number
ORDER BY number;

INSERT INTO artifact_dependencies (input_id, output_id, relationship)
SELECT number, number + 1, 'consumed'
FROM (SELECT max(seq) AS last FROM provenance_records) records, generate_series(last + 1, last + @SIZE@ / 10) number;

INSERT INTO project_counters (project_id, records, checkpointed_records, checkpointed_at)
SELECT project_id, count(*), count(*), now() FROM provenance_records GROUP BY project_id;

INSERT INTO project_spend (project_id, tier, verdict, mark, records, unpriced, tokens_input, tokens_output, cost_micros)
SELECT project_id, tier, verdict, 'none', count(*), count(*), sum(tokens_input), sum(tokens_output), 0
FROM provenance_records GROUP BY project_id, tier, verdict;

DO $$
DECLARE postponed record;
BEGIN
    FOR postponed IN SELECT * FROM postponed LOOP EXECUTE postponed.definition; END LOOP;
END $$;

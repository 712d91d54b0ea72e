-- What every batch of events pays for, made cheaper.

-- Statements that are planned once per connection instead of once per batch, and nothing written where nothing changed.
-- safe: it counts what it counted before
CREATE OR REPLACE FUNCTION count_project_spend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO project_spend AS known
            (project_id, tier, verdict, mark, records, unpriced, tokens_input, tokens_output, cost_micros)
        SELECT project_id, COALESCE(tier, ''), verdict,
            CASE WHEN is_tainted THEN 'tainted' WHEN is_suspect THEN 'suspect' ELSE 'none' END AS mark,
            count(*), count(*) FILTER (WHERE cost_micros IS NULL),
            COALESCE(sum(tokens_input), 0), COALESCE(sum(tokens_output), 0), COALESCE(sum(cost_micros), 0)
        FROM added WHERE project_id IS NOT NULL
        GROUP BY 1, 2, 3, 4
        ON CONFLICT (project_id, tier, verdict, mark) DO UPDATE SET
            records = known.records + EXCLUDED.records, unpriced = known.unpriced + EXCLUDED.unpriced,
            tokens_input = known.tokens_input + EXCLUDED.tokens_input,
            tokens_output = known.tokens_output + EXCLUDED.tokens_output,
            cost_micros = known.cost_micros + EXCLUDED.cost_micros;
    ELSE
        INSERT INTO project_spend AS known
            (project_id, tier, verdict, mark, records, unpriced, tokens_input, tokens_output, cost_micros)
        SELECT * FROM (
            SELECT project_id, COALESCE(tier, '') AS tier, verdict,
                CASE WHEN is_tainted THEN 'tainted' WHEN is_suspect THEN 'suspect' ELSE 'none' END AS mark,
                sum(sign) AS records, sum(CASE WHEN cost_micros IS NULL THEN sign ELSE 0 END) AS unpriced,
                sum(sign * COALESCE(tokens_input, 0)::numeric) AS tokens_input,
                sum(sign * COALESCE(tokens_output, 0)::numeric) AS tokens_output,
                sum(sign * COALESCE(cost_micros, 0)::numeric) AS cost_micros
            FROM (
                SELECT 1 AS sign, project_id, tier, verdict, is_tainted, is_suspect, cost_micros, tokens_input,
                    tokens_output
                FROM added
              UNION ALL
                SELECT -1, project_id, tier, verdict, is_tainted, is_suspect, cost_micros, tokens_input, tokens_output
                FROM removed
            ) moved
            WHERE project_id IS NOT NULL
            GROUP BY 1, 2, 3, 4
        ) change
        WHERE (records, unpriced, tokens_input, tokens_output, cost_micros) <> (0, 0, 0, 0, 0)
        ON CONFLICT (project_id, tier, verdict, mark) DO UPDATE SET
            records = known.records + EXCLUDED.records, unpriced = known.unpriced + EXCLUDED.unpriced,
            tokens_input = known.tokens_input + EXCLUDED.tokens_input,
            tokens_output = known.tokens_output + EXCLUDED.tokens_output,
            cost_micros = known.cost_micros + EXCLUDED.cost_micros;
    END IF;
    RETURN NULL;
END
$$;

-- The newest valid checkpoints are a few; those of a large project that are valid no more are very many.
CREATE INDEX checkpoints_valid ON checkpoints (project_id, created_at DESC, position DESC) WHERE is_valid;

-- safe: the key has the same columns as before, and carries those of the index that is dropped below
ALTER TABLE artifacts
    DROP CONSTRAINT artifacts_pkey,
    ADD CONSTRAINT artifacts_pkey PRIMARY KEY (id) INCLUDE (artifact_id, producer_seq);

-- safe: the primary key has the same columns
DROP INDEX artifacts_named;

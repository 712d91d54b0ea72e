CREATE INDEX artifacts_named ON artifacts (id) INCLUDE (artifact_id, producer_seq);
ALTER TABLE artifacts DROP CONSTRAINT artifacts_pkey, ADD CONSTRAINT artifacts_pkey PRIMARY KEY (id);
DROP INDEX checkpoints_valid;
CREATE OR REPLACE FUNCTION count_project_spend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO project_spend AS known
            (project_id, tier, verdict, mark, records, unpriced, tokens_input, tokens_output, cost_micros)
         SELECT project_id, COALESCE(tier, %L), verdict,
            CASE WHEN is_tainted THEN %L WHEN is_suspect THEN %L ELSE %L END AS mark,
            sum(sign), sum(CASE WHEN cost_micros IS NULL THEN sign ELSE 0 END),
            sum(sign * COALESCE(tokens_input, 0)::numeric), sum(sign * COALESCE(tokens_output, 0)::numeric),
            sum(sign * COALESCE(cost_micros, 0)::numeric)
         FROM (SELECT 1 AS sign, * FROM added %s) change
         WHERE project_id IS NOT NULL
         GROUP BY 1, 2, 3, 4
         ON CONFLICT (project_id, tier, verdict, mark) DO UPDATE SET
            records = known.records + EXCLUDED.records, unpriced = known.unpriced + EXCLUDED.unpriced,
            tokens_input = known.tokens_input + EXCLUDED.tokens_input,
            tokens_output = known.tokens_output + EXCLUDED.tokens_output,
            cost_micros = known.cost_micros + EXCLUDED.cost_micros',
        '', 'tainted', 'suspect', 'none',
        CASE WHEN TG_OP = 'UPDATE' THEN 'UNION ALL SELECT -1, * FROM removed' ELSE '' END);
    RETURN NULL;
END
$$;

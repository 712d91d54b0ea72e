-- What work cost, per attempt and summed up per project, and the indexes of lists of records.

ALTER TABLE provenance_records
    ADD COLUMN cost_micros bigint CHECK (cost_micros >= 0),
    ADD COLUMN price_version text,
    ADD CONSTRAINT provenance_records_priced CHECK ((cost_micros IS NULL) = (price_version IS NULL));
COMMENT ON COLUMN provenance_records.cost_micros IS
    'What the tokens cost, in millionths of the currency unit; null where tokens or price are not known, which is not the same as nothing.';
COMMENT ON COLUMN provenance_records.price_version IS 'The price list that the cost was taken from.';

CREATE TABLE project_spend (
    project_id text NOT NULL,
    tier text NOT NULL,
    verdict text NOT NULL,
    mark text NOT NULL CHECK (mark IN ('none', 'suspect', 'tainted')),
    records bigint NOT NULL,
    unpriced bigint NOT NULL,
    tokens_input numeric NOT NULL,
    tokens_output numeric NOT NULL,
    cost_micros numeric NOT NULL,
    PRIMARY KEY (project_id, tier, verdict, mark)
) WITH (fillfactor = 50);

COMMENT ON TABLE project_spend IS
    'Sums over records, by what they were judged and marked. Kept by triggers, so that whatever changes a record or its marks keeps them right.';
COMMENT ON COLUMN project_spend.tier IS 'Empty while it is not known.';
COMMENT ON COLUMN project_spend.unpriced IS 'Records whose cost is not known; they are not in cost_micros.';

CREATE FUNCTION count_project_spend() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER provenance_records_spend_added AFTER INSERT ON provenance_records
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_project_spend();
CREATE TRIGGER provenance_records_spend_moved AFTER UPDATE ON provenance_records
    REFERENCING NEW TABLE AS added OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_project_spend();

INSERT INTO project_spend
SELECT project_id, COALESCE(tier, ''), verdict,
    CASE WHEN is_tainted THEN 'tainted' WHEN is_suspect THEN 'suspect' ELSE 'none' END,
    count(*), count(*) FILTER (WHERE cost_micros IS NULL),
    COALESCE(sum(tokens_input), 0), COALESCE(sum(tokens_output), 0), COALESCE(sum(cost_micros), 0)
FROM provenance_records WHERE project_id IS NOT NULL GROUP BY 1, 2, 3, 4;

CREATE INDEX provenance_records_newest ON provenance_records (created_at, seq);
CREATE INDEX provenance_records_project_newest ON provenance_records (project_id, created_at, seq);
CREATE INDEX provenance_records_status_newest ON provenance_records (status, created_at, seq);
CREATE INDEX provenance_records_model_newest ON provenance_records (model_used, created_at, seq);

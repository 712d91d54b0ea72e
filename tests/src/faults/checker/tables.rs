//! Counters against the tables they count.

use super::Inquiry;

const PROJECTS: &str = "
    WITH counted AS (
        SELECT project_id,
            count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status = 'running') AS running,
            count(*) FILTER (WHERE status = 'completed') AS completed,
            count(*) FILTER (WHERE status = 'failed') AS failed,
            count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE phase IN ('routing', 'ready', 'executing', 'validating')) AS active
        FROM tasks GROUP BY project_id)
    SELECT concat_ws(' ', project_id, 'counts', p.pending, p.running, p.completed, p.failed, p.cancelled, p.active,
        'and has', c.pending, c.running, c.completed, c.failed, c.cancelled, c.active)
    FROM projects p JOIN counted c USING (project_id)
    WHERE (p.pending, p.running, p.completed, p.failed, p.cancelled, p.active)
        IS DISTINCT FROM (c.pending, c.running, c.completed, c.failed, c.cancelled, c.active)";

const TIERS: &str = "
    SELECT concat_ws(' ', project_id, tier, 'counts', p.tasks, 'and has', c.tasks)
    FROM (SELECT project_id, tier, count(*) AS tasks FROM tasks WHERE tier IS NOT NULL GROUP BY 1, 2) c
    FULL JOIN project_tiers p USING (project_id, tier)
    WHERE coalesce(p.tasks, 0) <> coalesce(c.tasks, 0)";

const RECORDS: &str = "
    SELECT concat_ws(' ', project_id, 'counts', p.records, 'records and has', c.records)
    FROM (SELECT project_id, count(*) AS records FROM provenance_records
        WHERE project_id IS NOT NULL GROUP BY 1) c
    FULL JOIN project_counters p USING (project_id)
    WHERE coalesce(p.records, 0) <> coalesce(c.records, 0)";

impl Inquiry<'_> {
    pub(super) async fn tables_agree(&mut self) {
        self.no_rows(true, "a project's counters are wrong", PROJECTS).await;
        self.no_rows(true, "a project's tiers are wrong", TIERS).await;
        self.no_rows(false, "a project's records are counted wrongly", RECORDS).await;
    }
}

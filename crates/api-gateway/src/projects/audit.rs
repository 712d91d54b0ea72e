//! Whether a project's counters are the sum over its tasks, and making them so. The comparison is one statement and
//! so sees one moment; it takes no lock and keeps nobody waiting.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::schema::projects;

/// The sum over a project's tasks. Tokens are not among them: they count every attempt, tasks know only their last.
const SUMMED: &str = "SELECT \
    count(*) FILTER (WHERE phase IN ('routing', 'ready', 'executing', 'validating')) AS active, \
    count(*) FILTER (WHERE phase = 'submitted' AND waiting_reason = 'slot') AS waiting, \
    count(*) FILTER (WHERE status = 'pending') AS pending, \
    count(*) FILTER (WHERE status = 'running') AS running, \
    count(*) FILTER (WHERE status = 'completed') AS completed, \
    count(*) FILTER (WHERE status = 'failed') AS failed, \
    count(*) FILTER (WHERE status = 'cancelled') AS cancelled, \
    coalesce(sum(greatest(floor(extract(epoch FROM completed_at - admitted_at) * 1000), 0)) \
        FILTER (WHERE status = 'completed'), 0)::bigint AS execution_time_ms \
    FROM tasks WHERE project_id = $1";

/// A counter that is not what it should be.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct Drift {
    /// Which; `tier <name>` for those by tier.
    #[diesel(sql_type = Text)]
    pub(crate) counter: String,
    /// What it said.
    #[diesel(sql_type = BigInt)]
    pub(crate) kept: i64,
    /// What it should have said.
    #[diesel(sql_type = BigInt)]
    pub(crate) counted: i64,
}

/// The project after the given one in the order of ids, if there is any.
pub(crate) async fn find_project_after(
    conn: &mut AsyncPgConnection,
    after: &str,
) -> QueryResult<Option<String>> {
    projects::table
        .filter(projects::project_id.gt(after))
        .order(projects::project_id)
        .select(projects::project_id)
        .first(conn)
        .await
        .optional()
}

/// The project's counters that are not what they should be.
pub(crate) async fn list_drift(conn: &mut AsyncPgConnection, project: &str) -> QueryResult<Vec<Drift>> {
    diesel::sql_query(format!(
        "SELECT pair.counter, pair.kept, pair.counted FROM projects \
         CROSS JOIN ({SUMMED}) AS summed \
         CROSS JOIN LATERAL (VALUES ('active', projects.active, summed.active), \
            ('waiting', projects.waiting, summed.waiting), ('pending', projects.pending, summed.pending), \
            ('running', projects.running, summed.running), ('completed', projects.completed, summed.completed), \
            ('failed', projects.failed, summed.failed), ('cancelled', projects.cancelled, summed.cancelled), \
            ('execution_time_ms', projects.execution_time_ms, summed.execution_time_ms) \
         ) AS pair (counter, kept, counted) \
         WHERE projects.project_id = $1 AND pair.kept <> pair.counted \
         UNION ALL \
         SELECT 'tier ' || tier, coalesce(known.tasks, 0), coalesce(summed.tasks, 0) \
         FROM (SELECT tier, tasks FROM project_tiers WHERE project_id = $1) AS known \
         FULL JOIN (SELECT tier, count(*) AS tasks FROM tasks WHERE project_id = $1 AND tier IS NOT NULL \
            GROUP BY tier) AS summed USING (tier) \
         WHERE coalesce(known.tasks, 0) <> coalesce(summed.tasks, 0)"
    ))
    .bind::<Text, _>(project)
    .load(conn)
    .await
}

/// Sets the project's counters to what they should be. The caller holds the project's row, so that nobody counts
/// meanwhile.
pub(crate) async fn recount(conn: &mut AsyncPgConnection, project: &str) -> QueryResult<()> {
    diesel::sql_query(format!(
        "UPDATE projects SET active = summed.active, waiting = summed.waiting, pending = summed.pending, \
            running = summed.running, completed = summed.completed, failed = summed.failed, \
            cancelled = summed.cancelled, execution_time_ms = summed.execution_time_ms \
         FROM ({SUMMED}) AS summed WHERE projects.project_id = $1"
    ))
    .bind::<Text, _>(project)
    .execute(conn)
    .await?;
    diesel::sql_query("DELETE FROM project_tiers WHERE project_id = $1")
        .bind::<Text, _>(project)
        .execute(conn)
        .await?;
    diesel::sql_query(
        "INSERT INTO project_tiers (project_id, tier, tasks) \
         SELECT project_id, tier, count(*) FROM tasks WHERE project_id = $1 AND tier IS NOT NULL \
         GROUP BY project_id, tier",
    )
    .bind::<Text, _>(project)
    .execute(conn)
    .await
    .map(|_| ())
}

//! The queues of tasks that only wait for a slot, one per project. The order is: who was submitted first, where each
//! step of priority counts as having come so much earlier. So urgent tasks go first, and nobody waits for ever behind
//! them: a low one overtakes every newcomer once it has waited long enough. The key of a task never changes, so each
//! priority is one range of an index, and the ranges are merged.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::vocabulary::Tier;
use protocol::{ProjectId, TaskId};
use uuid::Uuid;

use crate::tasks::task::Task;

/// Tasks of each priority that are counted ahead of another; beyond them the place is only known to be far.
pub(crate) const MOST_COUNTED: i64 = 1_000;

#[derive(QueryableByName)]
struct NextRow {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
}

/// The tasks that are next in the queues of the given projects, each up to a number, without those that are known to
/// go to one of the paused tiers: pinned to it, or routed to it in an earlier attempt.
pub(crate) async fn list_next_in_queues<'a>(
    conn: &mut AsyncPgConnection,
    wanted: impl Iterator<Item = (&'a str, i64)>,
    paused_tiers: &[Tier],
    step: Duration,
) -> QueryResult<Vec<TaskId>> {
    let (projects, slots): (Vec<&str>, Vec<i64>) = wanted.unzip();
    let rows: Vec<NextRow> = diesel::sql_query(
        "SELECT next.task_id FROM unnest($1, $2) AS wanted (project_id, slots) \
         CROSS JOIN LATERAL ( \
            SELECT candidate.task_id \
            FROM unnest(ARRAY[1, 2, 3, 4]::smallint[]) AS level (priority) \
            CROSS JOIN LATERAL ( \
                SELECT task_id, created_at FROM tasks \
                WHERE tasks.project_id = wanted.project_id AND tasks.priority = level.priority \
                    AND phase = 'submitted' AND waiting_reason = 'slot' \
                    AND coalesce(options ->> 'tier', minimum_tier, tier, '') <> ALL ($3) \
                ORDER BY created_at, task_id LIMIT wanted.slots \
            ) AS candidate \
            ORDER BY candidate.created_at - level.priority * make_interval(secs => $4), candidate.task_id \
            LIMIT wanted.slots \
         ) AS next",
    )
    .bind::<Array<Text>, _>(projects)
    .bind::<Array<BigInt>, _>(slots)
    .bind::<Array<Text>, _>(paused_tiers.iter().map(Tier::as_str).collect::<Vec<_>>())
    .bind::<Double, _>(step.as_secs_f64())
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| TaskId(row.task_id)).collect())
}

#[derive(QueryableByName)]
struct AheadRow {
    #[diesel(sql_type = BigInt)]
    ahead: i64,
}

/// How many tasks of its project are before the task in its queue, counted up to a limit.
pub(crate) async fn count_ahead(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
    task: &Task,
    step: Duration,
) -> QueryResult<i64> {
    let created_at: DateTime<Utc> = task.submission.created_at;
    let row: AheadRow = diesel::sql_query(
        "SELECT sum(counted.ahead)::bigint AS ahead \
         FROM unnest(ARRAY[1, 2, 3, 4]::smallint[]) AS level (priority) \
         CROSS JOIN LATERAL ( \
            SELECT count(*) AS ahead FROM ( \
                SELECT 1 FROM tasks \
                WHERE tasks.project_id = $1 AND tasks.priority = level.priority \
                    AND phase = 'submitted' AND waiting_reason = 'slot' \
                    AND (created_at, task_id) < ($2 + (level.priority - $3) * make_interval(secs => $4), $5) \
                LIMIT $6 \
            ) AS bounded \
         ) AS counted",
    )
    .bind::<Text, _>(project.as_str())
    .bind::<Timestamptz, _>(created_at)
    .bind::<SmallInt, _>(task.submission.priority.rank())
    .bind::<Double, _>(step.as_secs_f64())
    .bind::<SqlUuid, _>(task.submission.id.as_uuid())
    .bind::<BigInt, _>(MOST_COUNTED)
    .get_result(conn)
    .await?;
    Ok(row.ahead)
}

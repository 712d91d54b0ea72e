//! SQL of workers, and nothing else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use uuid::Uuid;

use super::sightings::Sighting;
use crate::tasks::store::arrays::array_statement;
use crate::tasks::store::text::storable;

/// Most workers that are listed.
const MOST_LISTED: i64 = 1_000;

array_statement! {
    /// Workers that were heard of.
    RecordWorkers<'a> {
        worker_id: Text => Cow<'a, str>,
        tier: Nullable<Text> => Option<Cow<'a, str>>,
        current_task: Nullable<SqlUuid> => Option<Uuid>,
        tasks_completed: BigInt => i64,
        first_seen_at: Timestamptz => DateTime<Utc>,
        last_seen_at: Timestamptz => DateTime<Utc>,
    }
    before "INSERT INTO workers (worker_id, tier, current_task, tasks_completed, first_seen_at, last_seen_at) \
        SELECT * FROM ";
    // Another replica may have heard something later: its word about the current task counts. The nil id says nothing.
    after "ON CONFLICT (worker_id) DO UPDATE SET tier = coalesce(excluded.tier, workers.tier), \
        current_task = CASE WHEN excluded.last_seen_at < workers.last_seen_at \
            OR excluded.current_task = '00000000-0000-0000-0000-000000000000' THEN workers.current_task \
            ELSE excluded.current_task END, \
        tasks_completed = workers.tasks_completed + excluded.tasks_completed, \
        last_seen_at = greatest(workers.last_seen_at, excluded.last_seen_at)";
}

/// Writes what was heard of workers, rows in the order of their names.
pub(crate) async fn record_workers(
    conn: &mut AsyncPgConnection,
    heard: &BTreeMap<String, Sighting>,
) -> QueryResult<()> {
    let mut statement = RecordWorkers::default();
    for (worker_id, sighting) in heard {
        statement.worker_id.push(storable(worker_id));
        statement.tier.push(sighting.tier.as_ref().map(|tier| storable(tier.as_str())));
        let said = sighting.current_task.map(|task| task.map(TaskId::as_uuid));
        statement.current_task.push(said.unwrap_or(Some(Uuid::nil())));
        statement.tasks_completed.push(sighting.completed);
        statement.first_seen_at.push(sighting.first_at);
        statement.last_seen_at.push(sighting.last_at);
    }
    statement.execute(conn).await.map(|_| ())
}

/// A worker as it is read back.
#[derive(Debug, diesel::QueryableByName)]
pub(super) struct WorkerRow {
    #[diesel(sql_type = Text)]
    pub(super) worker_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) tier: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) current_task: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    pub(super) tasks_completed: i64,
    #[diesel(sql_type = Timestamptz)]
    pub(super) last_seen_at: DateTime<Utc>,
}

/// The workers, the last heard first, each with the task that it still works on.
pub(super) async fn list_workers(conn: &mut AsyncPgConnection) -> QueryResult<Vec<WorkerRow>> {
    diesel::sql_query(
        "SELECT workers.worker_id, workers.tier, tasks.task_id AS current_task, workers.tasks_completed, \
            workers.last_seen_at \
         FROM workers LEFT JOIN tasks ON tasks.task_id = workers.current_task AND tasks.phase = 'executing' \
            AND tasks.worker_id = workers.worker_id \
         ORDER BY (tasks.task_id IS NULL), workers.last_seen_at DESC, workers.worker_id LIMIT $1",
    )
    .bind::<BigInt, _>(MOST_LISTED)
    .load(conn)
    .await
}

/// Forgets up to `limit` workers last heard before `before`; how many.
pub(crate) async fn delete_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM workers WHERE ctid = ANY (ARRAY( \
            SELECT ctid FROM workers WHERE last_seen_at < $1 \
            ORDER BY last_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

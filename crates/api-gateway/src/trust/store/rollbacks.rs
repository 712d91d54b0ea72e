//! SQL of rollbacks, and of the tasks that they have still to run again.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::RollbackCompleted;
use protocol::{CheckpointId, ProjectId, RollbackId, TaskId};
use serde_json::Value;
use uuid::Uuid;

/// A rollback as it is stored.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub(crate) struct RollbackRow {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) rollback_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) checkpoint_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) project_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub(crate) reason: String,
    #[diesel(sql_type = Text)]
    pub(crate) status: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(crate) result: Option<Value>,
    #[diesel(sql_type = BigInt)]
    pub(crate) tasks_reopened: i64,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) requested_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) completed_at: Option<DateTime<Utc>>,
}

/// The rollback of this id.
pub(crate) async fn find_rollback(
    conn: &mut AsyncPgConnection,
    id: RollbackId,
) -> QueryResult<Option<RollbackRow>> {
    sql_query("SELECT * FROM rollbacks WHERE rollback_id = $1")
        .bind::<SqlUuid, _>(id.as_uuid())
        .get_result(conn)
        .await
        .optional()
}

/// Writes down that a rollback is wanted.
pub(crate) async fn insert_requested(
    conn: &mut AsyncPgConnection,
    id: RollbackId,
    checkpoint: CheckpointId,
    project: Option<&ProjectId>,
    reason: &str,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    sql_query(
        "INSERT INTO rollbacks (rollback_id, checkpoint_id, project_id, reason, status, requested_at)
         VALUES ($1, $2, $3, $4, 'requested', $5)",
    )
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<SqlUuid, _>(checkpoint.as_uuid())
    .bind::<Nullable<Text>, _>(project.map(ProjectId::as_str))
    .bind::<Text, _>(reason)
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Writes down what came of a rollback, asked for here or elsewhere, and which tasks are to run again. Tells whether
/// that was news.
pub(crate) async fn mark_carried_out(
    conn: &mut AsyncPgConnection,
    told: &RollbackCompleted,
    at: DateTime<Utc>,
) -> QueryResult<bool> {
    let result = serde_json::to_value(told)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    let status = match (&told.error, told.task_ids.is_empty()) {
        (Some(_), _) => "failed",
        (None, true) => "completed",
        (None, false) => "reopening",
    };
    let changed = sql_query(
        "INSERT INTO rollbacks (rollback_id, checkpoint_id, project_id, status, result, requested_at, completed_at)
         VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $4 <> 'reopening' THEN $6 END)
         ON CONFLICT (rollback_id) DO UPDATE SET status = EXCLUDED.status, result = EXCLUDED.result,
            project_id = COALESCE(EXCLUDED.project_id, rollbacks.project_id), completed_at = EXCLUDED.completed_at
         WHERE rollbacks.status = 'requested'",
    )
    .bind::<SqlUuid, _>(told.rollback_id.as_uuid())
    .bind::<SqlUuid, _>(told.checkpoint_id.as_uuid())
    .bind::<Nullable<Text>, _>(told.project_id.as_ref().map(ProjectId::as_str))
    .bind::<Text, _>(status)
    .bind::<Jsonb, _>(result)
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .await?;
    if changed == 0 || status != "reopening" {
        return Ok(changed > 0);
    }
    let tasks: Vec<Uuid> = told.task_ids.iter().map(|id| id.as_uuid()).collect();
    sql_query("INSERT INTO rollback_tasks SELECT DISTINCT $1, id FROM UNNEST($2) AS told (id)")
        .bind::<SqlUuid, _>(told.rollback_id.as_uuid())
        .bind::<Array<SqlUuid>, _>(tasks)
        .execute(conn)
        .await?;
    Ok(true)
}

/// A task that is to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub(crate) struct Pending {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) rollback_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) checkpoint_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) task_id: Uuid,
}

/// Up to `limit` tasks of one rollback that are to run again, taken off the list, that nobody else has taken.
pub(crate) async fn take_pending(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<Pending>> {
    sql_query(
        "DELETE FROM rollback_tasks USING rollbacks
         WHERE (rollback_tasks.rollback_id, rollback_tasks.task_id) IN (
            SELECT rollback_id, task_id FROM rollback_tasks
            WHERE rollback_id = (SELECT rollback_id FROM rollback_tasks ORDER BY rollback_id LIMIT 1)
            ORDER BY task_id LIMIT $1 FOR UPDATE SKIP LOCKED)
         AND rollbacks.rollback_id = rollback_tasks.rollback_id
         RETURNING rollback_tasks.rollback_id, rollbacks.checkpoint_id, rollback_tasks.task_id",
    )
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await
}

#[derive(QueryableByName)]
struct AgainRow {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
}

/// Which tasks have to run again so that these do. A subtask of a task that has ended runs again with that one; one
/// of a task that goes on without it, split anew since, does not.
pub(crate) async fn list_to_run_again(
    conn: &mut AsyncPgConnection,
    tasks: &[Uuid],
) -> QueryResult<Vec<TaskId>> {
    let rows: Vec<AgainRow> = sql_query(
        "WITH RECURSIVE line (task_id, parent_id, created_at) AS (
            SELECT task_id, parent_id, created_at FROM tasks WHERE task_id = ANY ($1)
          UNION
            SELECT parent.task_id, parent.parent_id, parent.created_at FROM line
            JOIN tasks parent ON parent.task_id = line.parent_id WHERE parent.phase = 'done'
         )
         SELECT DISTINCT line.task_id FROM line LEFT JOIN tasks parent ON parent.task_id = line.parent_id
         WHERE line.parent_id IS NULL OR (parent.phase = 'decomposed' AND parent.phase_since = line.created_at)
         ORDER BY line.task_id",
    )
    .bind::<Array<SqlUuid>, _>(tasks)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| TaskId(row.task_id)).collect())
}

/// Counts tasks that run again, and ends the rollback with the last of its tasks. Whoever has taken others of its tasks
/// is waited for: of two that each took the last they saw, the second to come sees that there are no more.
pub(crate) async fn mark_reopened(
    conn: &mut AsyncPgConnection,
    rollback: Uuid,
    reopened: i64,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    sql_query("SELECT FROM rollbacks WHERE rollback_id = $1 FOR UPDATE")
        .bind::<SqlUuid, _>(rollback)
        .execute(conn)
        .await?;
    sql_query(
        "UPDATE rollbacks SET tasks_reopened = tasks_reopened + $2,
            status = CASE WHEN rest.any THEN status ELSE 'completed' END,
            completed_at = CASE WHEN rest.any THEN completed_at ELSE $3 END
         FROM (SELECT EXISTS (SELECT FROM rollback_tasks WHERE rollback_id = $1) AS any) rest
         WHERE rollback_id = $1 AND status = 'reopening'",
    )
    .bind::<SqlUuid, _>(rollback)
    .bind::<BigInt, _>(reopened)
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Ends rollbacks that have no task to run again any more, and that nobody has ended.
pub(crate) async fn mark_ended_without_tasks(
    conn: &mut AsyncPgConnection,
    at: DateTime<Utc>,
) -> QueryResult<usize> {
    sql_query(
        "UPDATE rollbacks SET status = 'completed', completed_at = $1
         WHERE status = 'reopening' AND NOT EXISTS (
            SELECT FROM rollback_tasks task WHERE task.rollback_id = rollbacks.rollback_id)",
    )
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .await
}

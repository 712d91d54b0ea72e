//! SQL of tainted artifacts and of the tasks that they hold.

pub(crate) mod rollbacks;
pub(crate) mod standings;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use uuid::Uuid;

/// Every artifact that `task` would use and that is tainted: its own inputs, and what the tasks that it depends on
/// produced. Nothing for a task that was told to go on.
const TAINTED_INPUTS: &str = "SELECT tainted.artifact_id FROM (
        SELECT input ->> 'artifact_id' AS artifact_id FROM jsonb_array_elements(task.inputs) input
        UNION ALL
        SELECT artifact ->> 'artifact_id' FROM tasks other, jsonb_array_elements(other.artifacts) artifact
        WHERE other.task_id = ANY (task.depends_on)
    ) used
    JOIN distrusted_artifacts tainted ON tainted.artifact_id = used.artifact_id
    WHERE NOT EXISTS (SELECT FROM input_releases released WHERE released.task_id = task.task_id)";

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    artifact_id: String,
}

/// Those of the artifacts that are tainted.
pub(crate) async fn list_tainted(
    conn: &mut AsyncPgConnection,
    artifacts: Vec<&str>,
) -> QueryResult<HashSet<String>> {
    let rows: Vec<NameRow> =
        sql_query("SELECT artifact_id FROM distrusted_artifacts WHERE artifact_id = ANY ($1)")
            .bind::<Array<Text>, _>(artifacts)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.artifact_id).collect())
}

/// A task and a tainted artifact that it would use.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(crate) struct TaintedInput {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) task_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) artifact_id: String,
}

/// For each of the tasks that would use something tainted: the first such artifact.
pub(crate) async fn list_tainted_inputs(
    conn: &mut AsyncPgConnection,
    tasks: &[TaskId],
) -> QueryResult<Vec<TaintedInput>> {
    let ids: Vec<Uuid> = tasks.iter().map(|id| id.as_uuid()).collect();
    sql_query(format!(
        "SELECT task.task_id, min(tainted.artifact_id) AS artifact_id
         FROM tasks task CROSS JOIN LATERAL ({TAINTED_INPUTS}) tainted
         WHERE task.task_id = ANY ($1) AND EXISTS (SELECT FROM distrusted_artifacts) GROUP BY task.task_id"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
}

/// Up to `limit` tasks that are held because of a tainted input and have none any longer.
pub(crate) async fn list_unheld(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<TaskId>> {
    let rows: Vec<HeldRow> = sql_query(format!(
        "SELECT task.task_id FROM tasks task
         WHERE task.phase = 'blocked' AND task.waiting_reason = 'tainted_input'
            AND NOT EXISTS ({TAINTED_INPUTS}) ORDER BY task.task_id LIMIT $1"
    ))
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| TaskId(row.task_id)).collect())
}

/// Remembers that a task was told to go on whatever its inputs are.
pub(crate) async fn insert_release(
    conn: &mut AsyncPgConnection,
    task: TaskId,
    reason: Option<&str>,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    sql_query(
        "INSERT INTO input_releases (task_id, released_at, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(task.as_uuid())
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Text>, _>(reason)
    .execute(conn)
    .await
    .map(|_| ())
}

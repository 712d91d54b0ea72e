//! Questions about parents and their subtasks. The subtasks of a parent's current attempt are those that are as
//! old as its decomposed phase; those of earlier attempts are not its family any more.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use protocol::events::Artifact;
use uuid::Uuid;

use super::json::Json;
use crate::tasks::inheritance::add_versions;

/// A task that waits for its subtasks, and how many of them have ended.
#[derive(Debug, QueryableByName)]
pub(crate) struct FamilyRow {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) task_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub(crate) completed: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) failed: i64,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
}

#[derive(QueryableByName)]
struct DepthRow {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
    #[diesel(sql_type = Integer)]
    depth: i32,
}

#[derive(QueryableByName)]
struct ProducedRow {
    #[diesel(sql_type = SqlUuid)]
    parent_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    artifacts: Json<Vec<Artifact>>,
}

/// That `parent`, ended or split anew, goes on without its subtask `child`.
const GOES_ON_WITHOUT: &str = "(parent.phase <> 'decomposed' OR parent.phase_since <> child.created_at)";

fn uuids(ids: &[TaskId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}

fn task_ids(rows: Vec<IdRow>) -> Vec<TaskId> {
    rows.into_iter().map(|row| TaskId(row.task_id)).collect()
}

/// How many tasks lie above each of these.
pub(crate) async fn count_ancestors(
    conn: &mut AsyncPgConnection,
    ids: &[TaskId],
) -> QueryResult<HashMap<TaskId, u32>> {
    let rows: Vec<DepthRow> = diesel::sql_query(
        "WITH RECURSIVE line AS ( \
            SELECT task_id, parent_id FROM tasks WHERE task_id = ANY ($1) \
            UNION ALL \
            SELECT line.task_id, tasks.parent_id FROM line JOIN tasks ON tasks.task_id = line.parent_id \
         ) SELECT task_id, count(parent_id)::integer AS depth FROM line GROUP BY task_id",
    )
    .bind::<Array<SqlUuid>, _>(uuids(ids))
    .load(conn)
    .await?;
    let depth = |row: DepthRow| (TaskId(row.task_id), row.depth.unsigned_abs());
    Ok(rows.into_iter().map(depth).collect())
}

/// Up to `limit` tasks that wait for subtasks of which more have ended than they know; all, or only those named.
pub(crate) async fn find_uncounted(
    conn: &mut AsyncPgConnection,
    parents: Option<&[TaskId]>,
    limit: i64,
) -> QueryResult<Vec<FamilyRow>> {
    diesel::sql_query(
        "SELECT parent.task_id, \
                count(*) FILTER (WHERE child.status = 'completed') AS completed, \
                count(*) FILTER (WHERE child.status IN ('failed', 'cancelled')) AS failed \
         FROM tasks parent \
         JOIN tasks child ON child.parent_id = parent.task_id AND child.created_at = parent.phase_since \
         WHERE parent.phase = 'decomposed' AND ($1 IS NULL OR parent.task_id = ANY ($1)) \
         GROUP BY parent.task_id \
         HAVING count(*) FILTER (WHERE child.phase = 'done') \
                > parent.subtasks_completed + parent.subtasks_failed \
         LIMIT $2",
    )
    .bind::<Nullable<Array<SqlUuid>>, _>(parents.map(uuids))
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await
}

/// What the subtasks of each parent produced, in the order in which they completed. Of an artifact that several of them
/// worked on there is only the last version.
pub(crate) async fn list_produced(
    conn: &mut AsyncPgConnection,
    parents: &[TaskId],
) -> QueryResult<HashMap<TaskId, Vec<Artifact>>> {
    if parents.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<ProducedRow> = diesel::sql_query(
        "SELECT child.parent_id, child.artifacts FROM tasks parent \
         JOIN tasks child ON child.parent_id = parent.task_id AND child.created_at = parent.phase_since \
         WHERE parent.task_id = ANY ($1) ORDER BY child.completed_at, child.task_id",
    )
    .bind::<Array<SqlUuid>, _>(uuids(parents))
    .load(conn)
    .await?;
    let mut produced: HashMap<TaskId, Vec<Artifact>> = HashMap::new();
    for row in rows {
        add_versions(produced.entry(TaskId(row.parent_id)).or_default(), row.artifacts.0);
    }
    Ok(produced)
}

/// The parent of a subtask that goes on without it, or has ended; none for a task that is nobody's subtask.
pub(crate) async fn find_parent_without_it(
    conn: &mut AsyncPgConnection,
    subtask: TaskId,
) -> QueryResult<Option<TaskId>> {
    let parent: Option<IdRow> = diesel::sql_query(format!(
        "SELECT parent.task_id FROM tasks child JOIN tasks parent ON parent.task_id = child.parent_id \
         WHERE child.task_id = $1 AND {GOES_ON_WITHOUT}",
    ))
    .bind::<SqlUuid, _>(subtask.as_uuid())
    .get_result(conn)
    .await
    .optional()?;
    Ok(parent.map(|row| TaskId(row.task_id)))
}

/// Up to `limit` tasks that have not ended although the attempt of their parent that they were part of has; all, or
/// only those of the parents named.
pub(crate) async fn find_orphans(
    conn: &mut AsyncPgConnection,
    parents: Option<&[TaskId]>,
    limit: i64,
) -> QueryResult<Vec<TaskId>> {
    let rows: Vec<IdRow> = diesel::sql_query(format!(
        "SELECT child.task_id FROM tasks child \
         JOIN tasks parent ON parent.task_id = child.parent_id \
         WHERE child.parent_id IS NOT NULL AND child.phase <> 'done' AND {GOES_ON_WITHOUT} \
           AND ($1 IS NULL OR child.parent_id = ANY ($1)) \
         LIMIT $2",
    ))
    .bind::<Nullable<Array<SqlUuid>>, _>(parents.map(uuids))
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(task_ids(rows))
}

/// The task and everything below it that has not ended, leaves first.
pub(crate) async fn list_open_subtree(
    conn: &mut AsyncPgConnection,
    root: TaskId,
) -> QueryResult<Vec<TaskId>> {
    let rows: Vec<IdRow> = diesel::sql_query(
        "WITH RECURSIVE tree AS ( \
            SELECT $1 AS task_id, 0 AS depth \
            UNION ALL \
            SELECT child.task_id, tree.depth + 1 FROM tree \
            JOIN tasks child ON child.parent_id = tree.task_id AND child.phase <> 'done' \
         ) SELECT task_id FROM tree ORDER BY depth DESC, task_id",
    )
    .bind::<SqlUuid, _>(root.as_uuid())
    .load(conn)
    .await?;
    Ok(task_ids(rows))
}

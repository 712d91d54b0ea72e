//! Tasks by their ids, with and without a lock. Rows are always locked in the order of their ids, so that two
//! transactions over the same tasks wait for each other instead of for ever. `NO KEY UPDATE` leaves the rows
//! free for the references that history and dependencies make to them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use protocol::events::Artifact;
use uuid::Uuid;

use super::json::Json;
use super::row::TaskRow;
use crate::schema::tasks;
use crate::tasks::inheritance::add_versions;
use crate::tasks::task::Task;

fn into_tasks(rows: Vec<TaskRow>) -> QueryResult<Vec<Task>> {
    rows.into_iter().map(Task::try_from).collect()
}

fn uuids(ids: &[TaskId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}

/// The task, without a lock.
pub(crate) async fn find_task(conn: &mut AsyncPgConnection, id: TaskId) -> QueryResult<Option<Task>> {
    let row = tasks::table.find(id.as_uuid()).select(TaskRow::as_select()).first(conn).await.optional()?;
    row.map(Task::try_from).transpose()
}

/// Those of the tasks that exist, locked until the end of the transaction.
pub(crate) async fn lock_tasks(mut conn: &AsyncPgConnection, ids: &[TaskId]) -> QueryResult<Vec<Task>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tasks::table
        .filter(tasks::task_id.eq_any(uuids(ids)))
        .order(tasks::task_id)
        .for_no_key_update()
        .select(TaskRow::as_select())
        .load(&mut conn)
        .await?;
    into_tasks(rows)
}

/// Those of the tasks that exist and that nobody else has locked.
pub(crate) async fn claim_tasks(conn: &mut AsyncPgConnection, ids: &[TaskId]) -> QueryResult<Vec<Task>> {
    let rows = tasks::table
        .filter(tasks::task_id.eq_any(uuids(ids)))
        .order(tasks::task_id)
        .for_no_key_update()
        .skip_locked()
        .select(TaskRow::as_select())
        .load(conn)
        .await?;
    into_tasks(rows)
}

/// Up to `limit` tasks whose timer is due, the longest due first, that nobody else has locked.
pub(crate) async fn claim_due_tasks(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Task>> {
    let rows = tasks::table
        .filter(tasks::wake_at.le(now))
        .order(tasks::wake_at)
        .limit(limit)
        .for_no_key_update()
        .skip_locked()
        .select(TaskRow::as_select())
        .load(conn)
        .await?;
    into_tasks(rows)
}

/// When the next timer is due.
pub(crate) async fn find_next_due(conn: &mut AsyncPgConnection) -> QueryResult<Option<DateTime<Utc>>> {
    tasks::table.select(diesel::dsl::min(tasks::wake_at)).first(conn).await
}

/// For each of the tasks that depends on others: what those produced, in the order in which they completed, of each
/// artifact the last version.
pub(crate) async fn list_inherited(
    conn: &mut AsyncPgConnection,
    heirs: impl Iterator<Item = &Task> + Clone,
) -> QueryResult<HashMap<TaskId, Vec<Artifact>>> {
    let sources: HashSet<Uuid> =
        heirs.clone().flat_map(|task| &task.submission.depends_on).map(|id| id.as_uuid()).collect();
    if sources.is_empty() {
        return Ok(HashMap::new());
    }
    let produced: Vec<(Uuid, Json<Vec<Artifact>>)> = tasks::table
        .filter(tasks::task_id.eq_any(sources.into_iter().collect::<Vec<_>>()))
        .order((tasks::completed_at, tasks::task_id))
        .select((tasks::task_id, tasks::artifacts))
        .load(conn)
        .await?;
    let inherited = |heir: &Task| {
        let mut artifacts = Vec::new();
        for (maker, made) in &produced {
            if heir.submission.depends_on.contains(&TaskId(*maker)) {
                add_versions(&mut artifacts, made.0.clone());
            }
        }
        (heir.submission.id, artifacts)
    };
    Ok(heirs.filter(|heir| !heir.submission.depends_on.is_empty()).map(inherited).collect())
}

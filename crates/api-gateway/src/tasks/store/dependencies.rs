//! Which blocked task waits for which other. Rows live as long as the wait: a released task has none.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TaskId;
use protocol::vocabulary::TaskStatus;
use uuid::Uuid;

use super::arrays::array_statement;
use super::row::word;
use crate::schema::{task_dependencies, tasks};

/// What a submission needs to know of a task that it names as a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The task.
    pub(crate) task_id: TaskId,
    /// Its project.
    pub(crate) project_id: String,
    /// Its status.
    pub(crate) status: TaskStatus,
}

/// A wait of a blocked task, and how the other one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// The task that waits.
    pub(crate) task_id: TaskId,
    /// The one it waits for.
    pub(crate) depends_on: TaskId,
    /// How that one is.
    pub(crate) status: TaskStatus,
}

/// Those of the tasks that exist, locked against changes: a completion is either seen here or comes after the
/// wait is stored.
pub(crate) async fn lock_dependencies(
    conn: &mut AsyncPgConnection,
    ids: &[TaskId],
) -> QueryResult<Vec<Dependency>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows: Vec<(Uuid, String, String)> = tasks::table
        .filter(tasks::task_id.eq_any(ids))
        .order(tasks::task_id)
        .for_share()
        .select((tasks::task_id, tasks::project_id, tasks::status))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(task_id, project_id, status)| {
            Ok(Dependency { task_id: TaskId(task_id), project_id, status: word("status", &status)? })
        })
        .collect()
}

array_statement! {
    /// Waits; those that are there already stay.
    InsertWaits<'a> {
        task_id: SqlUuid => &'a Uuid,
        depends_on: SqlUuid => &'a Uuid,
    }
    before "INSERT INTO task_dependencies (task_id, depends_on) SELECT new.task_id, new.depends_on FROM ";
    after "AS new (task_id, depends_on) ON CONFLICT DO NOTHING";
}

/// Stores waits.
pub(crate) async fn insert_waits(
    mut conn: &AsyncPgConnection,
    waits: &[(TaskId, TaskId)],
) -> QueryResult<()> {
    if waits.is_empty() {
        return Ok(());
    }
    let mut statement = InsertWaits::default();
    for (task_id, depends_on) in waits {
        statement.task_id.push(&task_id.0);
        statement.depends_on.push(&depends_on.0);
    }
    statement.execute(&mut conn).await.map(|_| ())
}

/// Removes the waits of tasks that are blocked no longer.
pub(crate) async fn delete_waits(mut conn: &AsyncPgConnection, of: &[TaskId]) -> QueryResult<()> {
    if of.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = of.iter().map(|id| id.as_uuid()).collect();
    diesel::delete(task_dependencies::table.filter(task_dependencies::task_id.eq_any(ids)))
        .execute(&mut conn)
        .await
        .map(|_| ())
}

/// The waits of these tasks.
pub(crate) async fn list_waits(conn: &mut AsyncPgConnection, of: &[TaskId]) -> QueryResult<Vec<Wait>> {
    let ids: Vec<Uuid> = of.iter().map(|id| id.as_uuid()).collect();
    let rows: Vec<(Uuid, Uuid, String)> = task_dependencies::table
        .inner_join(tasks::table.on(tasks::task_id.eq(task_dependencies::depends_on)))
        .filter(task_dependencies::task_id.eq_any(ids))
        .select((task_dependencies::task_id, task_dependencies::depends_on, tasks::status))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(task_id, depends_on, status)| {
            Ok(Wait {
                task_id: TaskId(task_id),
                depends_on: TaskId(depends_on),
                status: word("status", &status)?,
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct DecidedRow {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
}

/// Those of the tasks that others wait for.
pub(crate) async fn list_awaited(mut conn: &AsyncPgConnection, ids: &[TaskId]) -> QueryResult<Vec<TaskId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let awaited: Vec<Uuid> = task_dependencies::table
        .filter(task_dependencies::depends_on.eq_any(ids))
        .select(task_dependencies::depends_on)
        .distinct()
        .load(&mut conn)
        .await?;
    Ok(awaited.into_iter().map(TaskId).collect())
}

/// Which waits are looked at, and which of them are decided.
const AMONG_ALL: &str = "";
const AMONG_TOUCHED: &str = "WHERE waits.task_id IN \
    (SELECT touched.task_id FROM task_dependencies touched WHERE touched.depends_on = ANY ($2))";

fn decided(among: &str) -> String {
    format!(
        "SELECT waits.task_id FROM task_dependencies waits \
         JOIN tasks other ON other.task_id = waits.depends_on {among} \
         GROUP BY waits.task_id \
         HAVING bool_and(other.status = 'completed') OR bool_or(other.status IN ('failed', 'cancelled')) \
         LIMIT $1"
    )
}

/// Up to `limit` blocked tasks whose wait is decided: everything they wait for is completed, or something
/// failed. With `ended`, only those that wait for one of these tasks.
pub(crate) async fn find_decided(
    conn: &mut AsyncPgConnection,
    ended: Option<&[TaskId]>,
    limit: i64,
) -> QueryResult<Vec<TaskId>> {
    let rows: Vec<DecidedRow> = match ended {
        Some(ended) => {
            let ended: Vec<Uuid> = ended.iter().map(|id| id.as_uuid()).collect();
            let query = diesel::sql_query(decided(AMONG_TOUCHED)).bind::<BigInt, _>(limit);
            query.bind::<Array<SqlUuid>, _>(ended).load(conn).await?
        }
        None => diesel::sql_query(decided(AMONG_ALL)).bind::<BigInt, _>(limit).load(conn).await?,
    };
    Ok(rows.into_iter().map(|row| TaskId(row.task_id)).collect())
}

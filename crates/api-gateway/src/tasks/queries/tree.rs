//! A task and everything that was split from it, as a tree.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use protocol::TaskId;
use protocol::vocabulary::{TaskStatus, Tier};
use service_runtime::database::StoreError;
use uuid::Uuid;

use super::page::DESCRIPTION_CHARS;
use crate::tasks::TaskService;
use crate::tasks::store::row::word;

/// Most tasks of a tree that are shown.
const MOST_TASKS: i64 = 10_000;
/// Most levels; far more than a plan may have, and few enough to be written by any client's stack.
const MOST_LEVELS: i32 = 32;

/// A task and what was split from it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskTree {
    /// The task.
    pub task_id: TaskId,
    /// The beginning of its description.
    pub description: String,
    /// Its status.
    pub status: TaskStatus,
    /// Its tier, once routed.
    pub tier: Option<Tier>,
    /// Its subtasks, oldest first.
    pub children: Vec<Self>,
}

#[derive(QueryableByName)]
struct TreeRow {
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    tier: Option<String>,
}

/// The tree below a task; `None` if there is no such task.
///
/// # Errors
/// When the store does not answer.
pub async fn find_task_tree(service: &TaskService, root: TaskId) -> Result<Option<TaskTree>, StoreError> {
    let rows: Vec<TreeRow> = diesel::sql_query(
        "WITH RECURSIVE tree AS ( \
            SELECT task_id, parent_id, description, status, tier, created_at, 0 AS depth \
            FROM tasks WHERE task_id = $1 \
            UNION ALL \
            SELECT child.task_id, child.parent_id, child.description, child.status, child.tier, \
                   child.created_at, tree.depth + 1 \
            FROM tree JOIN tasks child ON child.parent_id = tree.task_id WHERE tree.depth < $2 \
         ) SELECT task_id, parent_id, left(description, $3) AS description, status, tier \
           FROM tree ORDER BY depth, created_at, task_id LIMIT $4",
    )
    .bind::<SqlUuid, _>(root.as_uuid())
    .bind::<Integer, _>(MOST_LEVELS)
    .bind::<Integer, _>(DESCRIPTION_CHARS)
    .bind::<BigInt, _>(MOST_TASKS)
    .load(&mut *service.connection().await?)
    .await?;
    Ok(assemble(rows)?)
}

/// Puts the rows together, which come by level: taken from the end, every task has met all its subtasks before.
fn assemble(mut rows: Vec<TreeRow>) -> QueryResult<Option<TaskTree>> {
    let mut families: HashMap<Uuid, Vec<TaskTree>> = HashMap::new();
    while let Some(row) = rows.pop() {
        let mut children = families.remove(&row.task_id).unwrap_or_default();
        children.reverse();
        let tree = TaskTree {
            task_id: TaskId(row.task_id),
            description: row.description,
            status: word("status", &row.status)?,
            tier: row.tier.map(Into::into),
            children,
        };
        if rows.is_empty() {
            return Ok(Some(tree));
        }
        if let Some(parent) = row.parent_id {
            families.entry(parent).or_default().push(tree);
        }
    }
    Ok(None)
}

//! A project's tasks as their list shows them, with an exact total from the project's counters.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use protocol::vocabulary::{ExecutionMode, TaskStatus};
use protocol::{ProjectId, TaskId, Timestamp};
use service_runtime::database::StoreError;
use uuid::Uuid;

use super::page::{DESCRIPTION_CHARS, left};
use crate::projects::store::find_counters;
use crate::schema::tasks;
use crate::tasks::TaskService;
use crate::tasks::store::row::word;

/// A task in its project's list.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectTask {
    /// The task.
    pub task_id: TaskId,
    /// Its status.
    pub status: TaskStatus,
    /// Whether people take part.
    pub execution_mode: ExecutionMode,
    /// The beginning of its description.
    pub description: String,
    /// When it was submitted.
    pub created_at: Timestamp,
}

/// Some tasks of a project, and how many it has.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectTasks {
    /// Newest first.
    pub tasks: Vec<ProjectTask>,
    /// All of them, on all pages.
    pub total: u64,
}

type TaskRow = (Uuid, String, String, String, DateTime<Utc>);

fn task((id, status, mode, description, created_at): TaskRow) -> QueryResult<ProjectTask> {
    Ok(ProjectTask {
        task_id: TaskId(id),
        status: word("status", &status)?,
        execution_mode: word("execution_mode", &mode)?,
        description,
        created_at: created_at.into(),
    })
}

/// Up to `limit` tasks after the `offset` newest ones; `None` if there is no such project.
///
/// # Errors
/// When the store does not answer.
pub async fn list_project_tasks(
    service: &TaskService,
    project: &ProjectId,
    limit: u32,
    offset: u32,
) -> Result<Option<ProjectTasks>, StoreError> {
    let mut conn = service.connection().await?;
    let Some(counters) = find_counters(&mut conn, project).await? else { return Ok(None) };
    let total =
        counters.pending + counters.running + counters.completed + counters.failed + counters.cancelled;
    let rows: Vec<TaskRow> = tasks::table
        .filter(tasks::project_id.eq(project.as_str()))
        .order((tasks::created_at.desc(), tasks::task_id.desc()))
        .limit(limit.into())
        .offset(offset.into())
        .select((
            tasks::task_id,
            tasks::status,
            tasks::execution_mode,
            left(tasks::description, DESCRIPTION_CHARS),
            tasks::created_at,
        ))
        .load(&mut conn)
        .await?;
    drop(conn);
    let tasks = rows.into_iter().map(task).collect::<QueryResult<_>>()?;
    Ok(Some(ProjectTasks { tasks, total: total.unsigned_abs() }))
}

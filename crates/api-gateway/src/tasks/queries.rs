//! Reading tasks: single rows by primary key, and pages along an index. Nothing here counts a large table.

mod failures;
mod filter;
mod history;
mod in_flight;
mod keys;
mod page;
mod project_status;
mod project_tasks;
mod reader;
mod tree;
mod waiting;

pub use failures::{FailedTask, FailedTasks, list_failures};
pub use filter::TaskFilter;
pub use history::{HistoryEntry, HistoryPage, list_history};
pub use in_flight::list_in_flight;
pub use page::{PageKey, PageRequest, PageStart, TaskPage, TaskSummary, list_tasks};
pub use project_status::{ProjectStatus, find_project_status};
pub use project_tasks::{ProjectTask, ProjectTasks, list_project_tasks};
pub use reader::TaskReader;
pub use tree::{TaskTree, find_task_tree};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use protocol::{ProjectId, TaskId};
use service_runtime::database::StoreError;

use super::TaskService;
use super::store::read;
use super::store::row::corrupt;
use super::task::Task;
use crate::schema::tasks;

/// The task, whole; `None` if there is none of that id.
///
/// # Errors
/// When the store does not answer.
pub async fn find_task(service: &TaskService, id: TaskId) -> Result<Option<Task>, StoreError> {
    Ok(read::find_task(&mut *service.connection().await?, id).await?)
}

/// The project that the task is of; `None` if there is none of that id.
///
/// # Errors
/// When the store does not answer.
pub async fn find_project_of(service: &TaskService, id: TaskId) -> Result<Option<ProjectId>, StoreError> {
    let mut conn = service.connection().await?;
    let found: Option<String> =
        tasks::table.find(id.as_uuid()).select(tasks::project_id).first(&mut conn).await.optional()?;
    let project = found.map(|id| ProjectId::new(id).map_err(|error| corrupt("project_id", error)));
    Ok(project.transpose()?)
}

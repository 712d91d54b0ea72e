//! Cancelling a task, and with it every subtask that has not ended, in one transaction.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use protocol::TaskId;
use protocol::vocabulary::TaskStatus;
use service_runtime::database::StoreError;
use thiserror::Error;

use super::TaskService;
use super::asked::asked_for;
use super::changes::{Cause, ChangeSet, Committed};
use super::lifecycle::{Input, open_status};
use super::store::family::list_open_subtree;
use super::store::history::find_applied_in;
use super::store::read::lock_tasks;

/// A task that is cancelled now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// The task.
    pub task_id: TaskId,
    /// What it was before; `cancelled` if it was that already.
    pub previous_status: TaskStatus,
}

/// Why a task was not cancelled.
#[derive(Debug, Error)]
pub enum CancelError {
    /// There is no such task.
    #[error("there is no such task")]
    NotFound,
    /// It has ended otherwise.
    #[error("the task is already {status}")]
    Finished {
        /// How it ended.
        status: TaskStatus,
    },
    /// The store could not do it.
    #[error("the task could not be cancelled")]
    Store(#[from] StoreError),
}

/// Cancels the task and its open subtasks, leaves first. Cancelling a cancelled task changes nothing and is fine.
///
/// # Errors
/// See [`CancelError`].
pub async fn cancel_task(
    service: &TaskService,
    task_id: TaskId,
    reason: Option<String>,
) -> Result<Cancelled, CancelError> {
    let cause = asked_for(service, "cancel.requested", reason.clone());
    let reason = reason.unwrap_or_default();
    let mut conn = service.connection().await?;
    let (previous, committed) = conn
        .transaction::<_, DieselError, _>(async |conn| {
            cancel_subtree(conn, service, task_id, &reason, &cause).await
        })
        .await
        .map_err(StoreError::from)?;
    drop(conn);
    service.committed(committed);
    match previous {
        None => Err(CancelError::NotFound),
        Some(status @ (TaskStatus::Completed | TaskStatus::Failed)) => Err(CancelError::Finished { status }),
        Some(previous_status) => Ok(Cancelled { task_id, previous_status }),
    }
}

/// Returns what the task was before, if it is there at all.
async fn cancel_subtree(
    conn: &mut AsyncPgConnection,
    service: &TaskService,
    task_id: TaskId,
    reason: &str,
    cause: &Cause,
) -> QueryResult<(Option<TaskStatus>, Committed)> {
    let subtree = list_open_subtree(conn, task_id).await?;
    let in_lock_order: BTreeSet<TaskId> = subtree.iter().copied().collect();
    let locked = lock_tasks(conn, &in_lock_order.into_iter().collect::<Vec<_>>()).await?;
    let mut changes = ChangeSet::new(service.rules(), service.now(), locked);
    if let Some(phase) = find_applied_in(conn, task_id, cause.event_id).await? {
        return Ok((open_status(phase).or(Some(TaskStatus::Running)), changes.write(conn).await?));
    }
    let previous = changes.task(task_id).map(|task| task.status);
    match previous {
        // Its subtasks are looked after by the family reconciler.
        Some(TaskStatus::Completed | TaskStatus::Failed) => {
            changes.apply(task_id, &Input::Cancel { reason: reason.to_owned() }, cause)?;
        }
        Some(TaskStatus::Cancelled) | None => {}
        Some(TaskStatus::Pending | TaskStatus::Running) => {
            for &id in &subtree {
                changes.apply(id, &Input::Cancel { reason: reason.to_owned() }, cause)?;
            }
        }
    }
    Ok((previous, changes.write(conn).await?))
}

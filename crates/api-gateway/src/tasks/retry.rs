//! Another attempt for a task that failed or was cancelled.

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::TaskId;
use protocol::vocabulary::{Phase, TaskStatus};
use service_runtime::database::StoreError;
use service_runtime::telemetry::current_traceparent;
use thiserror::Error;

use super::TaskService;
use super::changes::{Cause, ChangeSet, Decision};
use super::lifecycle::Input;
use super::store::read::lock_tasks;
use super::task::Task;

/// Why a task was not given another attempt.
#[derive(Debug, Error)]
pub enum RetryError {
    /// There is no such task.
    #[error("there is no such task")]
    NotFound,
    /// It has neither failed nor been cancelled.
    #[error("the task is {status} ({phase})")]
    NotRetryable {
        /// Its status.
        status: TaskStatus,
        /// Its phase.
        phase: Phase,
    },
    /// The store could not do it.
    #[error("the task could not be retried")]
    Store(#[from] StoreError),
}

/// Begins a new attempt and returns the task after it.
///
/// # Errors
/// See [`RetryError`].
pub async fn retry_task(service: &TaskService, task_id: TaskId) -> Result<Task, RetryError> {
    let cause = Cause { traceparent: current_traceparent(), ..Cause::ours("retry.requested") };
    let mut conn = service.connection().await?;
    let (decision, task, committed) = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let locked = lock_tasks(conn, &[task_id]).await?;
            let mut changes = ChangeSet::new(service.rules(), service.now(), locked);
            let decision = changes.apply(task_id, &Input::Retry, &cause)?;
            let task = changes.task(task_id).cloned();
            Ok((decision, task, changes.write(conn).await?))
        })
        .await
        .map_err(StoreError::from)?;
    drop(conn);
    service.committed(committed);
    match (decision, task) {
        (_, None) | (Decision::UnknownTask, _) => Err(RetryError::NotFound),
        (Decision::Applied, Some(task)) => Ok(task),
        (Decision::Ignored(_), Some(task)) => {
            Err(RetryError::NotRetryable { status: task.status, phase: task.phase })
        }
    }
}

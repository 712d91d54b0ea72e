//! Another attempt for a task that failed or was cancelled.

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::TaskId;
use service_runtime::database::StoreError;
use thiserror::Error;

use super::TaskService;
use super::asked::{AskError, ask, asked_for};
use super::lifecycle::Input;
use super::store::family::find_parent_without_it;
use super::task::Task;

/// Why a task gets no further attempt.
#[derive(Debug, Error)]
pub enum RetryError {
    /// It is a part of a task that has ended or goes on without it: nobody would wait for what it does.
    #[error("the task is part of task {parent}, which goes on without it")]
    Abandoned {
        /// The task that it was a part of.
        parent: TaskId,
    },
    /// [`AskError::WrongState`] for one that has neither failed nor been cancelled; see [`AskError`].
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// Begins a new attempt and returns the task after it.
///
/// # Errors
/// See [`RetryError`].
pub async fn retry_task(service: &TaskService, task_id: TaskId) -> Result<Task, RetryError> {
    let cause = asked_for(service, "retry.requested", None);
    let mut conn = service.connection().await.map_err(AskError::from)?;
    let asked = conn
        .transaction::<_, DieselError, _>(async |conn| {
            Ok(match find_parent_without_it(conn, task_id).await? {
                Some(parent) => Err(parent),
                None => Ok(ask(conn, service, task_id, &Input::Retry, &cause).await?),
            })
        })
        .await
        .map_err(|error| AskError::from(StoreError::from(error)))?;
    drop(conn);
    match asked {
        Ok(asked) => Ok(asked.settle(service)?),
        Err(parent) => Err(RetryError::Abandoned { parent }),
    }
}

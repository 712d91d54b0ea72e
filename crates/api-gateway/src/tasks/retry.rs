//! Another attempt for a task that failed or was cancelled.

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::TaskId;
use service_runtime::database::StoreError;

use super::TaskService;
use super::asked::{AskError, ask, asked_for};
use super::lifecycle::Input;
use super::task::Task;

/// Begins a new attempt and returns the task after it.
///
/// # Errors
/// [`AskError::WrongState`] for a task that has neither failed nor been cancelled; see [`AskError`].
pub async fn retry_task(service: &TaskService, task_id: TaskId) -> Result<Task, AskError> {
    let cause = asked_for(service, "retry.requested", None);
    let mut conn = service.connection().await?;
    let asked = conn
        .transaction::<_, DieselError, _>(async |conn| {
            ask(conn, service, task_id, &Input::Retry, &cause).await
        })
        .await
        .map_err(StoreError::from)?;
    drop(conn);
    asked.settle(service)
}

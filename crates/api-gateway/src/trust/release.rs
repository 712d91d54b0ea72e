//! Letting a task go on: when its inputs are good again, or because somebody says so.

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::TaskId;
use service_runtime::database::StoreError;

use super::store::{insert_release, list_unheld};
use crate::tasks::TaskService;
use crate::tasks::asked::{AskError, ask, asked_for};
use crate::tasks::changes::{Cause, ChangeSet};
use crate::tasks::lifecycle::Input;
use crate::tasks::store::read::claim_tasks;
use crate::tasks::task::Task;

/// Lets a task go on whatever its inputs are, now and later; returns the task after it.
///
/// # Errors
/// [`AskError::WrongState`] for a task that no tainted input holds; see [`AskError`].
pub(crate) async fn release_task(
    service: &TaskService,
    task_id: TaskId,
    reason: Option<String>,
) -> Result<Task, AskError> {
    let cause = asked_for(service, "release.requested", reason.clone());
    let mut conn = service.connection().await?;
    let asked = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let asked = ask(conn, service, task_id, &Input::InputsCleared, &cause).await?;
            if asked.is_done() {
                insert_release(conn, task_id, reason.as_deref(), service.now()).await?;
            }
            Ok(asked)
        })
        .await
        .map_err(StoreError::from)?;
    drop(conn);
    asked.settle(service)
}

/// Lets tasks go on whose inputs are good again, up to so many; tells how many.
pub(crate) async fn release_unheld_tasks(service: &TaskService, limit: i64) -> Result<usize, StoreError> {
    let mut conn = service.connection().await?;
    let unheld = list_unheld(&mut conn, limit).await?;
    if unheld.is_empty() {
        return Ok(0);
    }
    let committed = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let claimed = claim_tasks(conn, &unheld).await?;
            let ids: Vec<TaskId> = claimed.iter().map(|task| task.submission.id).collect();
            let mut changes = ChangeSet::new(service.rules(), service.now(), claimed);
            for id in ids {
                // Should an input be tainted again by now, the release of the task will see it.
                changes.apply(id, &Input::InputsCleared, &Cause::ours("inputs.cleared"))?;
            }
            changes.write(conn).await
        })
        .await?;
    drop(conn);
    service.committed(committed);
    Ok(unheld.len())
}

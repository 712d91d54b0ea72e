//! Letting a task go on: when its inputs are good again, or because somebody says so.

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::TaskId;
use protocol::vocabulary::{Phase, TaskStatus};
use service_runtime::database::StoreError;
use service_runtime::telemetry::current_traceparent;
use thiserror::Error;

use super::store::{insert_release, list_unheld};
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet, Decision};
use crate::tasks::lifecycle::Input;
use crate::tasks::store::read::{claim_tasks, lock_tasks};
use crate::tasks::task::Task;

/// Why a task was not told to go on.
#[derive(Debug, Error)]
pub(crate) enum ReleaseError {
    /// There is no such task.
    #[error("there is no such task")]
    NotFound,
    /// No tainted input holds it.
    #[error("the task is {status} ({phase})")]
    NotHeld {
        /// Its status.
        status: TaskStatus,
        /// Its phase.
        phase: Phase,
    },
    /// The store could not do it.
    #[error("the task could not be released")]
    Store(#[from] StoreError),
}

/// Lets a task go on whatever its inputs are, now and later; returns the task after it.
///
/// # Errors
/// See [`ReleaseError`].
pub(crate) async fn release_task(
    service: &TaskService,
    task_id: TaskId,
    reason: Option<String>,
) -> Result<Task, ReleaseError> {
    let cause = Cause {
        note: reason.clone(),
        traceparent: current_traceparent(),
        ..Cause::ours("release.requested")
    };
    let mut conn = service.connection().await?;
    let (decision, task, committed) = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let locked = lock_tasks(conn, &[task_id]).await?;
            let mut changes = ChangeSet::new(service.rules(), service.now(), locked);
            let decision = changes.apply(task_id, &Input::InputsCleared, &cause)?;
            if decision == Decision::Applied {
                insert_release(conn, task_id, reason.as_deref(), service.now()).await?;
            }
            let task = changes.task(task_id).cloned();
            Ok((decision, task, changes.write(conn).await?))
        })
        .await
        .map_err(StoreError::from)?;
    drop(conn);
    service.committed(committed);
    match (decision, task) {
        (_, None) | (Decision::UnknownTask, _) => Err(ReleaseError::NotFound),
        (Decision::Applied, Some(task)) => Ok(task),
        (Decision::Ignored(_), Some(task)) => {
            Err(ReleaseError::NotHeld { status: task.status, phase: task.phase })
        }
    }
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

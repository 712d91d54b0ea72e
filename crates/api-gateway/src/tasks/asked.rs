//! What somebody asks of one task over REST: one thing that happens to it, in one transaction. A request that is served
//! again after a crash finds in the history that it was done, and does nothing more.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::TaskId;
use protocol::vocabulary::{Phase, TaskStatus};
use service_runtime::database::StoreError;
use service_runtime::telemetry::current_traceparent;
use thiserror::Error;

use super::TaskService;
use super::changes::{Cause, ChangeSet, Committed, Decision};
use super::lifecycle::Input;
use super::store::history::find_applied_in;
use super::store::read::lock_tasks;
use super::task::Task;

/// Why a task does not do what it is asked.
#[derive(Debug, Error)]
pub enum AskError {
    /// There is no such task.
    #[error("there is no such task")]
    NotFound,
    /// Not where it is.
    #[error("the task is {status} ({phase})")]
    WrongState {
        /// Its status.
        status: TaskStatus,
        /// Its phase.
        phase: Phase,
    },
    /// The store could not do it.
    #[error("the task could not be changed")]
    Store(#[from] StoreError),
}

/// What became of it, inside a transaction that is not committed yet.
pub(crate) struct Asked {
    /// Whether it changed the task, now or when the request was served before; and the task after it.
    task: Option<(bool, Task)>,
    committed: Committed,
}

/// The cause of something that the request asks for.
pub(crate) fn asked_for(service: &TaskService, event: &'static str, note: Option<String>) -> Cause {
    let event_id = service.operation().map(|operation| operation.event_id());
    Cause { event_id, note, traceparent: current_traceparent(), ..Cause::ours(event) }
}

/// Lets it happen to the task, inside the caller's transaction.
pub(crate) async fn ask(
    conn: &mut AsyncPgConnection,
    service: &TaskService,
    task_id: TaskId,
    input: &Input,
    cause: &Cause,
) -> QueryResult<Asked> {
    let locked = lock_tasks(conn, &[task_id]).await?;
    let mut changes = ChangeSet::new(service.rules(), service.now(), locked);
    let done_before = find_applied_in(conn, task_id, cause.event_id).await?.is_some();
    let done = done_before || changes.apply(task_id, input, cause)? == Decision::Applied;
    let task = changes.task(task_id).cloned().map(|task| (done, task));
    Ok(Asked { task, committed: changes.write(conn).await? })
}

impl Asked {
    /// Whether it changed the task.
    pub(crate) fn is_done(&self) -> bool {
        self.task.as_ref().is_some_and(|(done, _)| *done)
    }

    /// To be called after the commit; the task.
    ///
    /// # Errors
    /// [`AskError::NotFound`] and [`AskError::WrongState`].
    pub(crate) fn settle(self, service: &TaskService) -> Result<Task, AskError> {
        service.committed(self.committed);
        match self.task {
            None => Err(AskError::NotFound),
            Some((true, task)) => Ok(task),
            Some((false, task)) => Err(AskError::WrongState { status: task.status, phase: task.phase }),
        }
    }
}

//! Work for agents, handed in by its type under an id of the submitter's choosing. It becomes a task like any other;
//! the same work under the same id is the same task, however often and through whichever gateway it is handed in.

mod new_dispatch;

pub use new_dispatch::NewDispatch;

use protocol::{RequestId, TaskId, TraceId};
use thiserror::Error;

use super::submission::{SubmitError, Submitter};
use super::task::Submission;
use crate::agents::WorkTypes;
use crate::audit::AuditEntry;

/// Work that is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dispatched {
    /// Its task.
    pub task_id: TaskId,
    /// The trace it began in.
    pub trace_id: TraceId,
    /// The hand-over id of its first attempt.
    pub request_id: RequestId,
}

/// Why work was not taken in.
#[derive(Debug, Error)]
pub enum DispatchError {
    /// No agent does work of that type.
    #[error("no agent does work of that type")]
    UnknownWorkType {
        /// The types there are.
        known: Vec<String>,
    },
    /// It could not be stored, or its id is that of other work.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Takes work in, or finds that it was taken in before; either way the answer is the one of the first time. The entry of
/// the audit log is stored with it.
///
/// # Errors
/// See [`DispatchError`]; nothing is stored then.
pub(crate) async fn dispatch_work(
    submitter: &Submitter,
    work_types: &WorkTypes,
    new: NewDispatch,
    audit: Option<AuditEntry>,
) -> Result<Dispatched, DispatchError> {
    if !work_types.contains(&new.work_type) {
        return Err(DispatchError::UnknownWorkType { known: work_types.names() });
    }
    let task = submitter.submit_dispatch(new, audit).await?;
    let Submission { id, trace_id, request_id, .. } = task.submission;
    Ok(Dispatched { task_id: id, trace_id, request_id })
}

/// Whether both ask for the same, parameters apart, which only the database can compare as it keeps them.
pub(crate) fn asks_the_same(stored: &Submission, asked: &Submission) -> bool {
    let wishes = |submission: &Submission| {
        (submission.options.timeout_seconds, submission.options.max_attempts, submission.priority)
    };
    stored.work_type.is_some()
        && stored.work_type == asked.work_type
        && stored.project_id == asked.project_id
        && wishes(stored) == wishes(asked)
}

#[cfg(test)]
mod tests {
    use protocol::vocabulary::Priority;
    use protocol::{ProjectId, TaskId};
    use service_runtime::clock::{Clock, SystemClock};

    use super::*;

    fn dispatch() -> NewDispatch {
        NewDispatch {
            task_id: TaskId::generate(),
            work_type: "echo".to_owned(),
            parameters: serde_json::Map::new(),
            priority: Priority::Normal,
            project_id: ProjectId::default(),
            timeout_seconds: None,
            max_attempts: None,
            trace_id: TraceId::generate(),
        }
    }

    fn submission(new: NewDispatch) -> Submission {
        new.into_submission(SystemClock.now())
    }

    #[test]
    fn the_same_work_is_told_from_other_work_by_what_is_asked_and_by_nothing_else() {
        let stored = submission(dispatch());
        let later = NewDispatch { trace_id: TraceId::generate(), ..dispatch() };
        assert!(asks_the_same(&stored, &submission(later)), "ids and times are made anew each time");
        for other in [
            NewDispatch { work_type: "fail".to_owned(), ..dispatch() },
            NewDispatch { priority: Priority::High, ..dispatch() },
            NewDispatch { project_id: ProjectId::new("other").unwrap(), ..dispatch() },
            NewDispatch { timeout_seconds: Some(5), ..dispatch() },
            NewDispatch { max_attempts: Some(2), ..dispatch() },
        ] {
            assert!(!asks_the_same(&stored, &submission(other.clone())), "{other:?}");
        }
        let for_workers = Submission { work_type: None, ..stored.clone() };
        assert!(!asks_the_same(&for_workers, &for_workers), "no work for agents");
    }
}

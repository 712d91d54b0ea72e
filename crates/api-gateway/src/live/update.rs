//! One state of a task, as those who watch it are told, and its form between replicas.

use std::str::FromStr;

use protocol::vocabulary::{Phase, TaskStatus};
use protocol::{ProjectId, TaskId, Timestamp, TraceId};
use serde::{Deserialize, Serialize};

use crate::tasks::progress::Progress;
use crate::tasks::task::{AttemptError, Task};

/// A state that a task has reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskUpdate {
    /// The task.
    pub task_id: TaskId,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its project.
    pub project_id: ProjectId,
    /// Number of this state; grows with every change.
    pub sequence: u64,
    /// Number of the state it followed, 0 for a new task; `None` when it was read and not seen to happen.
    pub follows: Option<u64>,
    /// Its status.
    pub status: TaskStatus,
    /// Where inside the status.
    pub phase: Phase,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed.
    pub error: Option<AttemptError>,
    /// The question that a person is asked.
    pub review_id: Option<String>,
    /// When it came to be so.
    pub at: Timestamp,
}

impl TaskUpdate {
    /// The state that `task` is in now, reached from the one numbered `follows`.
    #[must_use]
    pub fn of(task: &Task, follows: u64) -> Self {
        Self {
            task_id: task.submission.id,
            trace_id: task.submission.trace_id,
            project_id: task.submission.project_id.clone(),
            sequence: task.sequence,
            follows: Some(follows),
            status: task.status,
            phase: task.phase,
            progress: Progress::of(task),
            error: task.error.clone(),
            review_id: task.review.as_ref().map(|review| review.review_id.clone()),
            at: task.updated_at.into(),
        }
    }

    /// Appends it as a line: the trace, so that readers can pass over what they do not watch, and the rest.
    pub(super) fn write_line(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        let start = into.len();
        into.extend_from_slice(self.trace_id.to_string().as_bytes());
        into.push(b' ');
        let written = serde_json::to_writer(&mut *into, self);
        match written {
            Ok(()) => into.push(b'\n'),
            Err(_) => into.truncate(start),
        }
        written
    }
}

/// The updates of a message that are about traces which `watched` picks. What cannot be read is passed over: it
/// may come from a newer version, and the database is looked at again anyway.
pub(super) fn read_lines(body: &[u8], watched: impl Fn(TraceId) -> bool) -> impl Iterator<Item = TaskUpdate> {
    body.split(|&byte| byte == b'\n').filter_map(move |line| {
        let space = line.iter().position(|&byte| byte == b' ')?;
        let (trace, rest) = line.split_at_checked(space)?;
        let trace = TraceId::from_str(std::str::from_utf8(trace).ok()?).ok()?;
        if watched(trace) { serde_json::from_slice(rest.get(1..)?).ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::tests::update;
    use uuid::Uuid;

    #[test]
    fn lines_are_read_back_for_watched_traces_and_garbage_is_passed_over() {
        let (mine, other) = (TraceId(Uuid::from_u128(1)), TraceId(Uuid::from_u128(2)));
        let wanted = TaskUpdate { trace_id: mine, ..update(7, Some(6)) };
        let mut body = Vec::new();
        TaskUpdate { trace_id: other, ..update(1, Some(0)) }.write_line(&mut body).unwrap();
        body.extend_from_slice(format!("{mine} {{\"unknown\": true}}\nneither\n").as_bytes());
        wanted.write_line(&mut body).unwrap();
        let read: Vec<TaskUpdate> = read_lines(&body, |trace| trace == mine).collect();
        assert_eq!(read, [wanted]);
    }
}

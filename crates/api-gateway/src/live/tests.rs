//! Tests of watching: order as a property, the switchboard by itself, the hub with database and broker.

mod hub;
mod order;
mod switchboard;

use protocol::vocabulary::{Phase, TaskStatus};
use protocol::{ProjectId, TaskId, Timestamp, TraceId};
use uuid::Uuid;

use super::update::TaskUpdate;
use crate::tasks::progress::Progress;

/// A state of one and the same task.
pub(crate) fn update(sequence: u64, follows: Option<u64>) -> TaskUpdate {
    TaskUpdate {
        task_id: TaskId(Uuid::from_u128(17)),
        trace_id: TraceId(Uuid::from_u128(34)),
        project_id: ProjectId::default(),
        sequence,
        follows,
        status: TaskStatus::Running,
        phase: Phase::Executing,
        progress: Progress {
            percent: 25.0,
            message: Some("half of a half".to_owned()),
            total_subtasks: 0,
            completed_subtasks: 0,
            failed_subtasks: 0,
            pending_review: 0,
        },
        error: None,
        review_id: None,
        at: Timestamp::from(chrono::DateTime::UNIX_EPOCH),
    }
}

//! How far a task is, as everybody is told: REST, WebSocket and server-sent events.

use protocol::vocabulary::TaskStatus;
use serde::{Deserialize, Serialize};

use super::task::{Subtasks, Task};

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 100.
    pub percent: f64,
    /// In the worker's words.
    pub message: Option<String>,
    /// Subtasks in its plan.
    pub total_subtasks: u32,
    /// Of these completed.
    pub completed_subtasks: u32,
    /// Of these failed for good or cancelled.
    pub failed_subtasks: u32,
    /// Questions to people that wait for an answer.
    pub pending_review: u32,
}

impl Progress {
    /// The progress of a task.
    #[must_use]
    pub fn of(task: &Task) -> Self {
        let work = &task.work;
        Self::from_parts(
            task.status,
            work.percent,
            work.message.clone(),
            task.subtasks,
            task.review.is_some(),
        )
    }

    /// The same from what a task's row says. The progress of a split task is the share of its subtasks that are
    /// completed.
    pub(crate) fn from_parts(
        status: TaskStatus,
        percent: Option<f64>,
        message: Option<String>,
        subtasks: Subtasks,
        in_review: bool,
    ) -> Self {
        let percent = if status == TaskStatus::Completed {
            100.0
        } else if subtasks.total > 0 {
            f64::from(subtasks.completed) * 100.0 / f64::from(subtasks.total)
        } else {
            percent.unwrap_or(0.0)
        };
        Self {
            percent,
            message,
            total_subtasks: subtasks.total,
            completed_subtasks: subtasks.completed,
            failed_subtasks: subtasks.failed,
            pending_review: u32::from(in_review),
        }
    }
}

//! How attempts end, and how the next one begins.

use protocol::Timestamp;
use protocol::events::{Failure, Feedback, FeedbackSource};
use protocol::vocabulary::{Phase, TaskStatus};

use super::Life;
use crate::tasks::task::{AttemptError, Subtasks, Waiting, WaitingReason, Work};

impl Life<'_> {
    /// The current attempt failed: another one follows if it may help and one is left.
    pub(super) fn fail_attempt(&mut self, failure: &Failure, allowed_attempts: u32) {
        if failure.retryable && self.task.attempt < allowed_attempts {
            self.record_error(failure);
            let retry_at = self.rules.retry_at(self.task.submission.id, self.task.attempt, self.now);
            self.next_attempt(Some(retry_at));
        } else {
            self.fail(&failure.code, &failure.message, failure.retryable);
        }
    }

    pub(super) fn attempt_timed_out(&mut self, code: &str, message: &str) {
        self.learn(FeedbackSource::Timeout, message, Vec::new());
        self.fail_attempt(&Failure::new(code, message, true), self.task.max_attempts);
    }

    /// Fails the task for good.
    pub(super) fn fail(&mut self, code: &str, message: &str, retryable: bool) {
        let error = self.record_error(&Failure::new(code, message, retryable));
        self.task.error = Some(error);
        self.end(TaskStatus::Failed);
    }

    pub(super) fn complete(&mut self) {
        self.task.error = None;
        self.end(TaskStatus::Completed);
    }

    /// The end, whichever; only a retry or a rollback leads out of it.
    pub(super) fn end(&mut self, status: TaskStatus) {
        self.task.status = status;
        self.enter(Phase::Done);
        self.task.completed_at = Some(self.now);
        self.task.deadline_at = None;
        self.task.wake_at = None;
        self.task.review = None;
    }

    /// Begins the next attempt, at once or not before `due`. What the last one produced is no longer the
    /// task's; it stays in the history and in provenance.
    pub(super) fn next_attempt(&mut self, due: Option<chrono::DateTime<chrono::Utc>>) {
        let task = &mut *self.task;
        task.attempt = task.attempt.saturating_add(1);
        task.work = Work::default();
        task.review = None;
        task.subtasks = Subtasks::default();
        task.routing = None;
        task.error = None;
        task.completed_at = None;
        task.deadline_at = None;
        self.wait_for_slot_from(due);
    }

    /// Waits for a slot, once `due` is reached.
    pub(super) fn wait_for_slot_from(&mut self, due: Option<chrono::DateTime<chrono::Utc>>) {
        self.enter(Phase::Submitted);
        let due = due.filter(|&time| time > self.now);
        self.task.wake_at = due;
        self.task.waiting = Some(match due {
            Some(time) => {
                let detail = format!("attempt {} not before {}", self.task.attempt, Timestamp::from(time));
                Waiting::because(WaitingReason::Backoff, detail)
            }
            None => Waiting::on(WaitingReason::Slot),
        });
    }

    /// Keeps a lesson for the worker of the next attempt.
    pub(super) fn learn(&mut self, source: FeedbackSource, message: &str, issues: Vec<serde_json::Value>) {
        self.task.feedback.push(Feedback {
            attempt: self.task.attempt,
            source,
            message: message.to_owned(),
            issues,
        });
    }

    /// Counts a rejection, and raises the tier of further attempts when there were enough of them.
    pub(super) fn count_rejection(&mut self) {
        self.task.rejections_at_tier += 1;
        let may_escalate = self.task.submission.options.escalate_tier && !self.task.is_tier_pinned();
        if !may_escalate || self.task.rejections_at_tier < self.rules.rejections_before_escalation {
            return;
        }
        let above = self.task.tier.as_ref().and_then(|tier| self.rules.tier_above(tier));
        if let Some(tier) = above {
            self.task.minimum_tier = Some(tier.clone());
            self.task.rejections_at_tier = 0;
        }
    }

    fn record_error(&mut self, failure: &Failure) -> AttemptError {
        let error = AttemptError {
            attempt: self.task.attempt,
            code: failure.code.clone(),
            message: failure.message.clone(),
            retryable: failure.retryable,
            at: self.now.into(),
        };
        self.task.errors.push(error.clone());
        error
    }
}

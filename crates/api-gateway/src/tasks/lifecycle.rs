//! The life of a task as one pure function: what is true of a task, something that happens to it, and what is
//! true afterwards. No clock, no chance, no I/O; the same replay gives the same end (design section 5).
//! `apply` is the whole table; `attempt` holds how attempts end and begin, `rules` the settings,
//! `input` what can happen. Promise: phases of an attempt never move backwards, an attempt has one verdict.

mod attempt;
mod input;
mod rules;
#[cfg(test)]
mod tests;
mod work;

pub use input::{Effect, HandOver, Ignored, Input};
pub use rules::{PhaseLimits, RetryDelay, Rules, SubtaskFailure};

use chrono::{DateTime, Utc};
use protocol::events::Artifact;
use protocol::vocabulary::{Phase, TaskStatus};

use super::task::{Task, Waiting, WaitingReason};

type Outcome = Result<Vec<Effect>, Ignored>;

/// The status of every task in the phase; none for those that have ended, which only their end tells apart.
pub(crate) const fn open_status(phase: Phase) -> Option<TaskStatus> {
    match phase {
        Phase::Submitted | Phase::Blocked | Phase::Routing => Some(TaskStatus::Pending),
        Phase::Ready | Phase::Executing | Phase::Validating | Phase::InReview | Phase::Decomposed => {
            Some(TaskStatus::Running)
        }
        Phase::Done => None,
    }
}

/// Applies what happened to the task, in place.
///
/// # Errors
/// Why it changes nothing; the task is untouched then.
pub fn apply(task: &mut Task, input: &Input, rules: &Rules, now: DateTime<Utc>) -> Outcome {
    let mut life = Life { task, rules, now };
    life.ensure_open(input)?;
    let phase_before = (life.task.attempt, life.task.phase);
    let effects = match input {
        Input::Admitted { request_id } => life.admit(*request_id),
        Input::DependenciesCompleted => life.unblock(),
        Input::DependencyReopened => life.wait_for_dependencies(),
        Input::InputTainted { artifact } => life.hold(artifact),
        Input::InputsCleared => life.let_go(),
        Input::DependencyFailed { dependency, status } => life.dependency_failed(*dependency, *status),
        Input::Ready(ready) => life.ready(ready),
        Input::Dispatched { attempt } => life.dispatched(*attempt),
        Input::Decomposed { attempt, subtasks, routing } => {
            life.decomposed(*attempt, *subtasks, routing.as_deref())
        }
        Input::RoutingFailed { attempt, failure } => life.routing_failed(*attempt, failure),
        Input::Withheld { attempt, tier } => life.withheld(*attempt, tier),
        Input::Started { attempt, hand_over, worker_id, message } => {
            life.ensure_current(*attempt, *hand_over)?;
            life.started(worker_id, message)
        }
        Input::Progress { attempt, hand_over, worker_id, percent, message } => {
            life.ensure_current(*attempt, *hand_over)?;
            life.progress(worker_id, *percent, message)
        }
        Input::Output(output) => life.output(output),
        Input::AgentCompleted(result) => life.agent_completed(result),
        Input::Failed(failed) => life.failed(failed),
        Input::Validated { attempt } => life.validated(*attempt),
        Input::Rejected { attempt, reason, issues, retryable } => {
            life.rejected(*attempt, reason.as_deref(), issues, *retryable)
        }
        Input::ReviewRequested { attempt, review_id, reason, .. } => {
            life.review_requested(*attempt, review_id, reason)
        }
        Input::ReviewCompleted { review_id, decision, comments, required_changes } => {
            life.review_completed(review_id, *decision, comments.as_deref(), required_changes)
        }
        Input::SubtasksCounted { completed, failed, artifacts } => {
            life.subtasks_counted(*completed, *failed, artifacts)
        }
        Input::AgentLost { agent_id } => life.agent_lost(agent_id),
        Input::TimerDue => life.timer_due(),
        Input::Cancel { .. } => life.cancel(),
        Input::Retry => life.retry(),
        Input::Reopen { reason } => life.reopen(reason),
    }?;
    life.settle(phase_before);
    Ok(effects)
}

/// A task in the middle of a change.
struct Life<'a> {
    task: &'a mut Task,
    rules: &'a Rules,
    now: DateTime<Utc>,
}

impl Life<'_> {
    /// A task that has ended is changed by nothing but an explicit retry or a rollback; a routing decision that
    /// everything else overtook still adds what it knows.
    fn ensure_open(&self, input: &Input) -> Result<(), Ignored> {
        match input {
            Input::Retry | Input::Reopen { .. } => Ok(()),
            Input::Ready(_) if self.task.routing.is_none() => Ok(()),
            _ if self.task.phase == Phase::Done => Err(Ignored::AlreadyEnded(self.task.status)),
            _ => Ok(()),
        }
    }

    /// Bookkeeping that every change has in common.
    fn settle(&mut self, phase_before: (u32, Phase)) {
        self.task.sequence += 1;
        self.task.updated_at = self.now;
        if (self.task.attempt, self.task.phase) != phase_before {
            self.task.phase_since = self.now;
            self.task.wake_at = self.rules.wake_at(self.task, self.now);
        }
    }

    /// Moves on inside the current attempt.
    fn enter(&mut self, phase: Phase) {
        self.task.phase = phase;
        self.task.waiting = None;
        self.task.status = open_status(phase).unwrap_or(self.task.status);
    }

    /// Fences off what belongs to another attempt; what names none is about the current one.
    fn ensure_attempt(&self, told: Option<u32>) -> Result<(), Ignored> {
        match told {
            Some(told) if told != self.task.attempt => {
                Err(Ignored::OtherAttempt { told, current: self.task.attempt })
            }
            _ => Ok(()),
        }
    }

    fn not_expected<T>(&self) -> Result<T, Ignored> {
        Err(Ignored::NotExpected(self.task.phase))
    }

    fn admit(&mut self, request_id: protocol::RequestId) -> Outcome {
        if !self.task.awaits_slot() {
            return self.not_expected();
        }
        if self.task.admitted_at.is_some() {
            self.task.request_id = request_id;
        } else {
            self.task.admitted_at = Some(self.now);
        }
        self.task.deadline_at = Some(self.rules.deadline(self.task, self.now));
        self.enter(Phase::Routing);
        Ok(vec![Effect::RequestRouting])
    }

    fn unblock(&mut self) -> Outcome {
        if self.task.phase != Phase::Blocked || self.is_held() {
            return self.not_expected();
        }
        self.wait_for_slot_from(self.task.submission.not_before);
        Ok(Vec::new())
    }

    /// A rollback took back what had unblocked it: it waits again, as in the beginning.
    fn wait_for_dependencies(&mut self) -> Outcome {
        if !self.task.awaits_slot() {
            return self.not_expected();
        }
        self.enter(Phase::Blocked);
        self.task.waiting = Some(Waiting::on(WaitingReason::Dependency));
        Ok(Vec::new())
    }

    fn hold(&mut self, artifact: &str) -> Outcome {
        if !self.task.awaits_slot() {
            return self.not_expected();
        }
        self.enter(Phase::Blocked);
        let detail = format!("artifact {artifact} is tainted");
        self.task.waiting = Some(Waiting::because(WaitingReason::TaintedInput, detail));
        Ok(Vec::new())
    }

    fn let_go(&mut self) -> Outcome {
        if self.task.phase != Phase::Blocked || !self.is_held() {
            return self.not_expected();
        }
        self.wait_for_slot_from(self.task.submission.not_before);
        Ok(Vec::new())
    }

    /// Whether a tainted input is what it waits for.
    fn is_held(&self) -> bool {
        self.task.waits_for(WaitingReason::TaintedInput)
    }

    fn dependency_failed(&mut self, dependency: protocol::TaskId, status: TaskStatus) -> Outcome {
        if self.task.phase != Phase::Blocked || self.is_held() {
            return self.not_expected();
        }
        self.fail(
            "DEPENDENCY_FAILED",
            &format!("task {dependency}, which this one depends on, is {status}"),
            false,
        );
        Ok(Vec::new())
    }

    /// What all subtasks together produced is what the task produced: whoever builds on it gets that.
    fn subtasks_counted(&mut self, completed: u32, failed: u32, artifacts: &[Artifact]) -> Outcome {
        if self.task.phase != Phase::Decomposed {
            return self.not_expected();
        }
        let subtasks = &mut self.task.subtasks;
        if completed + failed <= subtasks.completed + subtasks.failed {
            return Err(Ignored::AlreadyKnown);
        }
        (subtasks.completed, subtasks.failed) = (completed, failed);
        let all_ended = completed + failed >= subtasks.total;
        let give_up = failed > 0 && self.rules.subtask_failure == SubtaskFailure::FailFast;
        if failed > 0 && (all_ended || give_up) {
            let message = format!("{failed} of {} subtasks did not complete", subtasks.total);
            self.fail("SUBTASKS_FAILED", &message, false);
        } else if all_ended {
            self.task.work.artifacts = artifacts.to_vec();
            self.complete();
        }
        Ok(Vec::new())
    }

    /// The timer means what the phase says: the end of a wait, of the attempt's time, or of the phase's.
    fn timer_due(&mut self) -> Outcome {
        if self.task.wake_at.is_none_or(|due| due > self.now) {
            return Err(Ignored::NotDue);
        }
        let overdue = self.task.deadline_at.is_some_and(|deadline| deadline <= self.now);
        match self.task.phase {
            Phase::Done => return Err(Ignored::AlreadyEnded(self.task.status)),
            Phase::Submitted => {
                self.task.wake_at = None;
                self.task.waiting = Some(Waiting::on(WaitingReason::Slot));
            }
            Phase::Blocked if self.is_held() => {
                self.fail("TAINTED_INPUT_TIMEOUT", "its tainted input was not cleared in time", false);
            }
            Phase::Blocked => {
                self.fail("DEPENDENCY_TIMEOUT", "the tasks it depends on did not end in time", false);
            }
            Phase::InReview => self.fail("REVIEW_TIMEOUT", "nobody answered the review in time", false),
            Phase::Decomposed => self.fail("SUBTASKS_TIMEOUT", "its subtasks did not end in time", false),
            _ if overdue => self.attempt_timed_out("TIMEOUT", "the attempt did not end before its deadline"),
            Phase::Routing => self.attempt_timed_out("ROUTING_TIMEOUT", "no routing decision came in time"),
            Phase::Ready => self.attempt_timed_out("READY_TIMEOUT", "no worker took it in time"),
            Phase::Executing => self.attempt_timed_out("EXECUTION_TIMEOUT", "the work did not end in time"),
            Phase::Validating => self.attempt_timed_out("VALIDATION_TIMEOUT", "no verdict came in time"),
        }
        Ok(Vec::new())
    }

    fn cancel(&mut self) -> Outcome {
        // Nobody has heard of a task that was never released.
        let unheard = self.task.admitted_at.is_none();
        self.end(TaskStatus::Cancelled);
        Ok(if unheard { Vec::new() } else { vec![Effect::AnnounceCancelled] })
    }

    fn retry(&mut self) -> Outcome {
        match self.task.status {
            TaskStatus::Failed | TaskStatus::Cancelled => {
                // On top of those allowed; a review's answers may have led beyond them already.
                let one_more = self.task.max_attempts.saturating_add(1);
                self.task.max_attempts = one_more.max(self.task.attempt.saturating_add(1));
                self.next_attempt(None);
                Ok(Vec::new())
            }
            TaskStatus::Completed => Err(Ignored::AlreadyEnded(TaskStatus::Completed)),
            TaskStatus::Pending | TaskStatus::Running => self.not_expected(),
        }
    }

    fn reopen(&mut self, reason: &str) -> Outcome {
        if self.task.status == TaskStatus::Cancelled {
            return Err(Ignored::AlreadyEnded(TaskStatus::Cancelled));
        }
        let in_flight = self.task.holds_slot();
        self.task.max_attempts = self.task.max_attempts.max(self.task.attempt.saturating_add(1));
        self.learn(protocol::events::FeedbackSource::Review, reason, Vec::new());
        self.next_attempt(None);
        Ok(if in_flight { vec![Effect::AnnounceCancelled] } else { Vec::new() })
    }
}

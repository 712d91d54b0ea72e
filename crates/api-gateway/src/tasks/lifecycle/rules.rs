//! The settings that the life of a task depends on, and the delays computed from them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::TaskId;
use protocol::vocabulary::{Phase, Tier};
use serde::Deserialize;

use crate::tasks::task::Task;

/// How long to wait before an attempt: `initial * factor^(n-1)` before attempt n+1, capped, plus or minus jitter.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryDelay {
    /// Before the second attempt.
    pub initial: Duration,
    /// Growth per attempt.
    pub factor: f64,
    /// Never longer than this (before jitter).
    pub cap: Duration,
    /// Largest deviation as a fraction of the delay, 0 to 1.
    pub jitter: f64,
}

/// How long a task may stay in a phase; `None` leaves the phase to the attempt's deadline alone.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseLimits {
    /// For the routing-engine to decide.
    pub routing: Option<Duration>,
    /// For a worker or agent to take it.
    pub ready: Option<Duration>,
    /// For the work itself.
    pub executing: Option<Duration>,
    /// For QA.
    pub validating: Option<Duration>,
    /// For a person; the attempt's deadline does not run meanwhile.
    pub in_review: Duration,
    /// For the tasks it depends on.
    pub blocked: Duration,
    /// For its subtasks; the attempt's deadline does not run meanwhile.
    pub decomposed: Duration,
}

/// What becomes of a split task when one of its subtasks does not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubtaskFailure {
    /// It fails at once, and its other subtasks are cancelled.
    FailFast,
    /// Its other subtasks go on; it fails when all have ended.
    FinishOthers,
}

/// Everything the life of a task depends on besides the task itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Attempts of a task that does not say.
    pub default_max_attempts: u32,
    /// Attempts that reviewers may add by asking for changes.
    pub review_extra_attempts: u32,
    /// Time of one attempt of a task that does not say.
    pub default_timeout: Duration,
    /// Wait between attempts.
    pub retry_delay: RetryDelay,
    /// Limits per phase.
    pub phase_limits: PhaseLimits,
    /// In the queue for a slot, a step of priority counts as having waited so much longer.
    pub priority_step: Duration,
    /// Rejections at one tier after which the next attempt goes one tier up.
    pub rejections_before_escalation: u32,
    /// The tiers by rising ability.
    pub tiers: Vec<Tier>,
    /// What a failed subtask means for the task it was split from.
    pub subtask_failure: SubtaskFailure,
}

impl Default for Rules {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self {
            default_max_attempts: 3,
            review_extra_attempts: 3,
            default_timeout: Duration::from_secs(600),
            retry_delay: RetryDelay {
                initial: Duration::from_secs(1),
                factor: 2.0,
                cap: Duration::from_secs(60),
                jitter: 0.2,
            },
            phase_limits: PhaseLimits {
                routing: Some(Duration::from_secs(120)),
                ready: None,
                executing: None,
                validating: None,
                in_review: hours(7 * 24),
                blocked: hours(7 * 24),
                decomposed: hours(24),
            },
            priority_step: Duration::from_secs(600),
            rejections_before_escalation: 2,
            tiers: Tier::STANDARD.to_vec(),
            subtask_failure: SubtaskFailure::FailFast,
        }
    }
}

impl Rules {
    /// When the attempt after `failed_attempt` may begin. The jitter follows from the task and the attempt, so
    /// that a replay decides the same.
    pub(super) fn retry_at(&self, task: TaskId, failed_attempt: u32, now: DateTime<Utc>) -> DateTime<Utc> {
        let delay = &self.retry_delay;
        let exponent = i32::try_from(failed_attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds =
            (delay.initial.as_secs_f64() * delay.factor.powi(exponent)).min(delay.cap.as_secs_f64());
        let jittered = seconds * (1.0 + delay.jitter * spread(task, failed_attempt));
        now + TimeDelta::milliseconds((jittered * 1000.0) as i64)
    }

    /// When a task that begins to wait for others now gives up.
    pub(crate) fn blocked_until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + whole(self.phase_limits.blocked)
    }

    /// When an attempt that begins now must be over.
    pub(super) fn deadline(&self, task: &Task, now: DateTime<Utc>) -> DateTime<Utc> {
        let seconds = task.submission.options.timeout_seconds.map(u64::from);
        now + whole(seconds.map_or(self.default_timeout, Duration::from_secs))
    }

    /// When the task's current phase or attempt runs out, whichever is first.
    pub(super) fn wake_at(&self, task: &Task, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let limits = &self.phase_limits;
        let limit = match task.phase {
            Phase::Submitted | Phase::Done => return task.wake_at,
            Phase::Routing => limits.routing,
            Phase::Ready => limits.ready,
            Phase::Executing => limits.executing,
            Phase::Validating => limits.validating,
            Phase::InReview => Some(limits.in_review),
            Phase::Blocked => Some(limits.blocked),
            Phase::Decomposed => Some(limits.decomposed),
        };
        let phase_end = limit.map(|limit| now + whole(limit));
        [phase_end, task.deadline_at].into_iter().flatten().min()
    }

    /// The next tier above `tier`; `None` at the top and for a tier that is not in the list.
    pub(super) fn tier_above(&self, tier: &Tier) -> Option<&Tier> {
        let position = self.tiers.iter().position(|known| known == tier)?;
        self.tiers.get(position + 1)
    }
}

/// A number in -1..=1 that only depends on the task and the attempt.
fn spread(task: TaskId, attempt: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (task, attempt).hash(&mut hasher);
    (hasher.finish() as f64 / u64::MAX as f64) * 2.0 - 1.0
}

fn whole(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

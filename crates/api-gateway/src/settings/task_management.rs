//! Section `task_management`, and the rules of the tasks' life that it comes to.

use std::time::Duration;

use protocol::vocabulary::{Priority, Tier};
use serde::Deserialize;
use service_runtime::settings::SettingsError;

use super::check_positive;
use crate::tasks::decomposition::plan::PlanLimits;
use crate::tasks::lifecycle::{PhaseLimits, RetryDelay, Rules, SubtaskFailure};
use crate::tasks::submission::CollectorSettings;

/// Section `task_management`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskManagementSettings {
    /// Priority of a task that does not say.
    pub default_priority: Priority,
    /// Attempts of a task that does not say.
    pub default_max_attempts: u32,
    /// Time of one attempt of a task that does not say, in seconds.
    pub timeout_default_seconds: u64,
    /// Tasks under way at once in a project that does not say.
    pub max_concurrent_per_project: u32,
    /// A step of priority counts as having waited so many seconds longer.
    pub priority_step_seconds: u64,
    /// Attempts that reviewers may add.
    pub review_extra_attempts: u32,
    /// Rejections at one tier after which the next attempt goes one tier up.
    pub rejections_before_escalation: u32,
    /// Tiers by rising ability.
    pub tiers: Vec<Tier>,
    /// What a failed subtask means for the task it is part of.
    pub subtask_failure: SubtaskFailure,
    /// Subtasks of one task.
    pub max_subtasks: usize,
    /// Levels of splitting.
    pub max_subtask_depth: u32,
    /// Waits between attempts.
    pub retry: RetrySettings,
    /// Limits per phase.
    pub phase_limits: PhaseLimitSettings,
    /// Taking tasks in.
    pub submission: SubmissionSettings,
}

/// Section `task_management.retry`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySettings {
    /// Before the second attempt, in seconds.
    pub initial_seconds: f64,
    /// Growth per attempt.
    pub factor: f64,
    /// Never longer than this, in seconds.
    pub cap_seconds: f64,
    /// Largest deviation, as a fraction.
    pub jitter: f64,
}

/// Section `task_management.phase_limits`, in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseLimitSettings {
    /// For the routing-engine to decide.
    pub routing_seconds: Option<u64>,
    /// For a worker or agent to take it.
    pub ready_seconds: Option<u64>,
    /// For the work itself.
    pub executing_seconds: Option<u64>,
    /// For QA.
    pub validating_seconds: Option<u64>,
    /// For a person.
    pub in_review_seconds: u64,
    /// For the tasks it depends on.
    pub blocked_seconds: u64,
    /// For its subtasks.
    pub decomposed_seconds: u64,
}

/// Section `task_management.submission`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmissionSettings {
    /// Submissions that may wait.
    pub max_waiting: usize,
    /// Most submissions of one transaction.
    pub max_batch: usize,
    /// Transactions at the same time.
    pub writers: usize,
}

impl TaskManagementSettings {
    /// The rules of the tasks' life.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let seconds = Duration::from_secs;
        let limits = &self.phase_limits;
        Rules {
            default_max_attempts: self.default_max_attempts,
            review_extra_attempts: self.review_extra_attempts,
            default_timeout: seconds(self.timeout_default_seconds),
            retry_delay: RetryDelay {
                initial: Duration::from_secs_f64(self.retry.initial_seconds),
                factor: self.retry.factor,
                cap: Duration::from_secs_f64(self.retry.cap_seconds),
                jitter: self.retry.jitter,
            },
            phase_limits: PhaseLimits {
                routing: limits.routing_seconds.map(seconds),
                ready: limits.ready_seconds.map(seconds),
                executing: limits.executing_seconds.map(seconds),
                validating: limits.validating_seconds.map(seconds),
                in_review: seconds(limits.in_review_seconds),
                blocked: seconds(limits.blocked_seconds),
                decomposed: seconds(limits.decomposed_seconds),
            },
            priority_step: seconds(self.priority_step_seconds),
            rejections_before_escalation: self.rejections_before_escalation,
            tiers: self.tiers.clone(),
            subtask_failure: self.subtask_failure,
        }
    }

    /// How large plans of subtasks may be.
    #[must_use]
    pub const fn plan_limits(&self) -> PlanLimits {
        PlanLimits { max_subtasks: self.max_subtasks, max_depth: self.max_subtask_depth }
    }

    /// How much may wait to be written, and how much is written at once.
    #[must_use]
    pub const fn collector(&self) -> CollectorSettings {
        let SubmissionSettings { max_waiting, max_batch, writers } = self.submission;
        CollectorSettings { capacity: max_waiting, max_batch, writers }
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        check_positive(&[
            ("task_management.default_max_attempts", self.default_max_attempts.into()),
            ("task_management.timeout_default_seconds", self.timeout_default_seconds),
            ("task_management.max_concurrent_per_project", self.max_concurrent_per_project.into()),
            ("task_management.rejections_before_escalation", self.rejections_before_escalation.into()),
            ("task_management.priority_step_seconds", self.priority_step_seconds),
            ("task_management.max_subtasks", self.max_subtasks as u64),
            ("task_management.submission.max_waiting", self.submission.max_waiting as u64),
            ("task_management.submission.max_batch", self.submission.max_batch as u64),
            ("task_management.submission.writers", self.submission.writers as u64),
            ("task_management.phase_limits.in_review_seconds", self.phase_limits.in_review_seconds),
            ("task_management.phase_limits.blocked_seconds", self.phase_limits.blocked_seconds),
            ("task_management.phase_limits.decomposed_seconds", self.phase_limits.decomposed_seconds),
        ])?;
        let retry = &self.retry;
        // Longer waits than a year are taken for a mistake; they would overflow somewhere, too.
        let year = 0.0..=31_536_000.0;
        for (key, value, allowed) in [
            ("initial_seconds", retry.initial_seconds, year.clone()),
            ("factor", retry.factor, 1.0..=100.0),
            ("cap_seconds", retry.cap_seconds, year),
            ("jitter", retry.jitter, 0.0..=1.0),
        ] {
            if !allowed.contains(&value) {
                let problem = format!("must be from {} to {}", allowed.start(), allowed.end());
                return Err(SettingsError::invalid(&format!("task_management.retry.{key}"), problem));
            }
        }
        Ok(())
    }
}

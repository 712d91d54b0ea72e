//! What the metrics learn from a change, kept until the change is committed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{counter, histogram};
use protocol::vocabulary::{Phase, TaskStatus};

use crate::metrics::{ATTEMPTS, ENDED, EVENTS, PHASE_SECONDS, RETRIES, SUBMITTED};
use crate::tasks::task::Task;

/// One thing to count.
pub(super) enum Observation {
    Created { priority: &'static str },
    Ignored { event: &'static str },
    Applied { event: &'static str, left: Option<LeftPhase>, next_attempt: bool, ended: Option<Ended> },
}

/// A phase that a task left.
pub(super) struct LeftPhase {
    phase: Phase,
    tier: String,
    lasted: Duration,
}

/// A task that ended.
pub(super) struct Ended {
    status: TaskStatus,
    attempts: u32,
}

impl Observation {
    pub(super) fn created(task: &Task) -> Self {
        Self::Created { priority: task.submission.priority.as_str() }
    }

    pub(super) fn ignored(event: &'static str) -> Self {
        Self::Ignored { event }
    }

    pub(super) fn applied(event: &'static str, before: &Task, after: &Task, now: DateTime<Utc>) -> Self {
        let next_attempt = after.attempt != before.attempt;
        let left = (next_attempt || after.phase != before.phase).then(|| LeftPhase {
            phase: before.phase,
            tier: tier_label(before),
            lasted: (now - before.phase_since).to_std().unwrap_or_default(),
        });
        let ended = (after.phase == Phase::Done && before.phase != Phase::Done)
            .then_some(Ended { status: after.status, attempts: after.attempt });
        Self::Applied { event, left, next_attempt, ended }
    }

    pub(super) fn record(&self) {
        match self {
            Self::Created { priority } => {
                counter!(SUBMITTED, "priority" => *priority).increment(1);
            }
            Self::Ignored { event } => {
                counter!(EVENTS, "event" => *event, "outcome" => "ignored").increment(1);
            }
            Self::Applied { event, left, next_attempt, ended } => {
                counter!(EVENTS, "event" => *event, "outcome" => "applied").increment(1);
                if let Some(LeftPhase { phase, tier, lasted }) = left {
                    histogram!(PHASE_SECONDS, "phase" => phase.as_str(), "tier" => tier.clone())
                        .record(*lasted);
                }
                if *next_attempt {
                    counter!(RETRIES, "event" => *event).increment(1);
                }
                if let Some(Ended { status, attempts }) = ended {
                    counter!(ENDED, "status" => status.as_str()).increment(1);
                    histogram!(ATTEMPTS, "status" => status.as_str()).record(f64::from(*attempts));
                }
            }
        }
    }
}

/// Tiers come from outside: a label takes only those that are known, so that nobody can grow the metrics.
fn tier_label(task: &Task) -> String {
    match &task.tier {
        None => "none".to_owned(),
        Some(tier) if tier.is_known() => tier.as_str().to_owned(),
        Some(_) => "other".to_owned(),
    }
}

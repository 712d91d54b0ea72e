//! What the metrics learn from a change, kept until the change is committed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{counter, histogram};
use protocol::vocabulary::{Phase, ReviewDecision, TaskStatus};

use crate::metrics::{
    ATTEMPTS, ENDED, EVENTS, PHASE_SECONDS, QUEUE_WAIT_SECONDS, REJECTIONS, RETRIES, SUBMITTED, TOKENS,
};
use crate::tasks::lifecycle::Input;
use crate::tasks::task::Task;

/// One thing to count.
pub(super) enum Observation {
    Created { priority: &'static str },
    Ignored { event: &'static str },
    Applied { event: &'static str, change: Box<Applied> },
}

/// What a change means for the metrics.
pub(super) struct Applied {
    left: Option<LeftPhase>,
    next_attempt: bool,
    ended: Option<Ended>,
    /// How long it waited for the slot that it has now, and how urgent it is.
    waited: Option<(Duration, &'static str)>,
    tier: String,
    tokens_input: u64,
    tokens_output: u64,
    rejected: bool,
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

    pub(super) fn applied(
        event: &'static str,
        before: &Task,
        after: &Task,
        input: &Input,
        now: DateTime<Utc>,
    ) -> Self {
        let next_attempt = after.attempt != before.attempt;
        let left = (next_attempt || after.phase != before.phase).then(|| LeftPhase {
            phase: before.phase,
            tier: tier_label(before),
            lasted: (now - before.phase_since).to_std().unwrap_or_default(),
        });
        let ended = (after.phase == Phase::Done && before.phase != Phase::Done)
            .then_some(Ended { status: after.status, attempts: after.attempt });
        let waited = (before.awaits_slot() && after.phase == Phase::Routing).then(|| {
            let waited = (now - before.updated_at).to_std().unwrap_or_default();
            (waited, after.submission.priority.as_str())
        });
        let spent = |tokens: fn(&Task) -> Option<u64>| {
            let earlier = if next_attempt { None } else { tokens(before) };
            let told = if next_attempt { None } else { tokens(after) };
            told.unwrap_or_default().saturating_sub(earlier.unwrap_or_default())
        };
        let change = Applied {
            left,
            next_attempt,
            ended,
            waited,
            tier: tier_label(after),
            tokens_input: spent(|task| task.work.tokens_input),
            tokens_output: spent(|task| task.work.tokens_output),
            rejected: was_rejected(input),
        };
        Self::Applied { event, change: Box::new(change) }
    }

    pub(super) fn record(&self) {
        match self {
            Self::Created { priority } => {
                counter!(SUBMITTED, "priority" => *priority).increment(1);
            }
            Self::Ignored { event } => {
                counter!(EVENTS, "event" => *event, "outcome" => "ignored").increment(1);
            }
            Self::Applied { event, change } => {
                counter!(EVENTS, "event" => *event, "outcome" => "applied").increment(1);
                change.record(event);
            }
        }
    }
}

impl Applied {
    fn record(&self, event: &'static str) {
        if let Some(LeftPhase { phase, tier, lasted }) = &self.left {
            histogram!(PHASE_SECONDS, "phase" => phase.as_str(), "tier" => tier.clone()).record(*lasted);
        }
        if self.next_attempt {
            counter!(RETRIES, "event" => event).increment(1);
        }
        if let Some(Ended { status, attempts }) = &self.ended {
            counter!(ENDED, "status" => status.as_str()).increment(1);
            histogram!(ATTEMPTS, "status" => status.as_str()).record(f64::from(*attempts));
        }
        if let Some((waited, priority)) = self.waited {
            histogram!(QUEUE_WAIT_SECONDS, "priority" => priority).record(waited);
        }
        for (direction, tokens) in [("input", self.tokens_input), ("output", self.tokens_output)] {
            if tokens > 0 {
                counter!(TOKENS, "tier" => self.tier.clone(), "direction" => direction).increment(tokens);
            }
        }
        if self.rejected {
            counter!(REJECTIONS, "tier" => self.tier.clone()).increment(1);
        }
    }
}

const fn was_rejected(input: &Input) -> bool {
    matches!(
        input,
        Input::Rejected { .. } | Input::ReviewCompleted { decision: ReviewDecision::Rejected, .. }
    )
}

/// Tiers come from outside: a label takes only those that are known, so that nobody can grow the metrics.
fn tier_label(task: &Task) -> String {
    match &task.tier {
        None => "none".to_owned(),
        Some(tier) if tier.is_known() => tier.as_str().to_owned(),
        Some(_) => "other".to_owned(),
    }
}

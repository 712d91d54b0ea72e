//! From facts to what a record shows: what the reporter left out is filled in from the gateway's announcements.

use protocol::vocabulary::{Domain, Tier};
use protocol::{ProjectId, Timestamp};
use serde::{Deserialize, Serialize};

use super::attempt::AttemptFacts;
use super::report::Report;

/// A record's marks, as far as counting needs them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// Found wrong.
    pub is_tainted: bool,
    /// Built on something found wrong.
    pub is_suspect: bool,
}

/// A member that the reporter left out and the gateway told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilledIn {
    /// `project_id`
    ProjectId,
    /// `tier`
    Tier,
    /// `domain`
    Domain,
    /// `started_at`
    StartedAt,
    /// `execution_time_ms`
    ExecutionTimeMs,
}

/// The members of a record that may be filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// The project.
    pub project_id: Option<ProjectId>,
    /// The tier.
    pub tier: Option<Tier>,
    /// The domain.
    pub domain: Option<Domain>,
    /// When the work began.
    pub started_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// Which of these the reporter did not tell itself.
    pub filled_in: Vec<FilledIn>,
}

impl Projection {
    /// Puts report and facts together. The reporter's own word always counts.
    #[must_use]
    pub fn of(report: &Report, facts: &AttemptFacts) -> Self {
        let mut filled_in = Vec::new();
        let announced = facts.announced.as_ref();
        // A start after the report would be another clock's; then it is better not known.
        let started_at = fill(report.started_at, FilledIn::StartedAt, &mut filled_in, || {
            facts.started_at.filter(|&start| start <= report.key.at)
        });
        Self {
            project_id: fill(report.project_id.clone(), FilledIn::ProjectId, &mut filled_in, || {
                announced.map(|announced| announced.project_id.clone())
            }),
            tier: fill(report.tier.clone(), FilledIn::Tier, &mut filled_in, || {
                announced.and_then(|announced| announced.tier.clone())
            }),
            domain: fill(report.domain.clone(), FilledIn::Domain, &mut filled_in, || {
                announced.and_then(|announced| announced.domain.clone())
            }),
            started_at,
            execution_time_ms: fill(
                report.execution_time_ms,
                FilledIn::ExecutionTimeMs,
                &mut filled_in,
                || {
                    let elapsed = report.key.at.to_utc() - started_at?.to_utc();
                    u64::try_from(elapsed.num_milliseconds()).ok()
                },
            ),
            filled_in,
        }
    }
}

fn fill<T>(
    told: Option<T>,
    member: FilledIn,
    filled_in: &mut Vec<FilledIn>,
    known: impl FnOnce() -> Option<T>,
) -> Option<T> {
    told.or_else(|| known().inspect(|_| filled_in.push(member)))
}

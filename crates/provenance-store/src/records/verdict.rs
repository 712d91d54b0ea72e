//! Judgements of an attempt's output. Several may arrive; which one counts does not depend on their order.

use std::cmp::Reverse;

use protocol::events::JsonObject;
use protocol::vocabulary::VerificationStatus;
use protocol::{ArtifactId, EventId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who judged; a later variant outranks an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictSource {
    /// The gateway completed the task: where no QA was wanted, the output itself is the verdict.
    Acceptance,
    /// QA.
    Qa,
    /// A person.
    Review,
}

/// What the judgement was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Good.
    Passed,
    /// Not good.
    Failed,
    /// Good, as a person says.
    HumanApproved,
}

impl Outcome {
    /// The status of a record with this verdict and no marks.
    #[must_use]
    pub const fn status(self) -> VerificationStatus {
        match self {
            Self::Passed => VerificationStatus::Passed,
            Self::Failed => VerificationStatus::Failed,
            Self::HumanApproved => VerificationStatus::HumanApproved,
        }
    }
}

/// One judgement, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Who judged.
    pub source: VerdictSource,
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// The event that told it.
    pub event_id: EventId,
    /// The artifact that was looked at, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_id: Option<ArtifactId>,
    /// 0 to 1, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// What is wrong, in detail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Value>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The reviewer, or the service that judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<String>,
}

impl Verdict {
    /// The one of the two that counts: the higher source, of the same source the earlier one, which is the one
    /// that the gateway acted on.
    #[must_use]
    pub fn stronger(self, other: Self) -> Self {
        let rank = |verdict: &Self| (verdict.source, Reverse((verdict.at, verdict.event_id)));
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// As users see it in `verification`.
    #[must_use]
    pub fn view(&self) -> JsonObject {
        let members = [
            ("status", json!(self.outcome.status())),
            ("source", json!(self.source)),
            // Only an output that nobody was to judge tells its profile by the verdict it got.
            ("qa_profile", json!((self.source == VerdictSource::Acceptance).then_some("none"))),
            ("verified_at", json!(self.at)),
            ("verified_by", json!(self.verified_by)),
            ("score", json!(self.score)),
            ("issues", json!(self.issues)),
            ("reason", json!(self.reason)),
            ("artifact_id", json!(self.artifact_id)),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What users see in `verification` as long as nobody has judged.
    #[must_use]
    pub fn view_of_none() -> JsonObject {
        JsonObject::from_iter([("status".to_owned(), json!(VerificationStatus::Pending))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(source: VerdictSource, outcome: Outcome, second: u32) -> Verdict {
        Verdict {
            source,
            outcome,
            at: format!("2026-11-21T02:00:{second:02}Z").parse().unwrap(),
            event_id: EventId::generate(),
            artifact_id: None,
            score: None,
            issues: Vec::new(),
            reason: None,
            verified_by: None,
        }
    }

    #[test]
    fn a_person_outranks_qa_and_qa_outranks_the_gateway() {
        let acceptance = verdict(VerdictSource::Acceptance, Outcome::Passed, 1);
        let rejection = verdict(VerdictSource::Qa, Outcome::Failed, 9);
        let approval = verdict(VerdictSource::Review, Outcome::HumanApproved, 5);
        assert_eq!(acceptance.clone().stronger(rejection.clone()), rejection);
        assert_eq!(rejection.clone().stronger(acceptance), rejection);
        assert_eq!(approval.clone().stronger(rejection.clone()), approval);
        assert_eq!(rejection.stronger(approval.clone()), approval);
    }

    #[test]
    fn of_two_verdicts_of_qa_the_first_counts() {
        let first = verdict(VerdictSource::Qa, Outcome::Passed, 1);
        let second = verdict(VerdictSource::Qa, Outcome::Failed, 2);
        assert_eq!(second.clone().stronger(first.clone()), first);
        assert_eq!(first.clone().stronger(second), first);
    }

    #[test]
    fn an_output_without_qa_says_so() {
        let acceptance = verdict(VerdictSource::Acceptance, Outcome::Passed, 1).view();
        assert_eq!(acceptance["qa_profile"], "none");
        assert_eq!(acceptance["status"], "passed");
        assert_eq!(verdict(VerdictSource::Qa, Outcome::Passed, 1).view()["qa_profile"], Value::Null);
    }
}

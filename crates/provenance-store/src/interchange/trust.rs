//! Reads what a file says about a record's trust: the verdict, and the marks.

use protocol::events::JsonObject;
use protocol::vocabulary::VerificationStatus;
use protocol::{EventId, Timestamp};
use serde_json::Value;

use super::members::{Members, Repairs, Unreadable};
use crate::records::translation::text::clean_value;
use crate::records::{Outcome, Verdict, VerdictSource};

/// Marks as a file tells them, and as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileMarks {
    pub(super) is_tainted: bool,
    pub(super) tainted_at: Option<Timestamp>,
    pub(super) tainted_reason: Option<String>,
    pub(super) tainted_by: Option<String>,
    pub(super) is_suspect: bool,
    pub(super) suspect_since: Option<Timestamp>,
    pub(super) suspect_source: Option<String>,
}

impl FileMarks {
    /// Reads `taint`.
    pub(super) fn read(record: &Members<'_>, repairs: &mut Repairs) -> Result<Self, Unreadable> {
        let taint = record.object("taint", "taint.")?;
        let is_tainted = taint.truth("is_tainted", repairs);
        let is_suspect = taint.truth("is_suspect", repairs);
        if is_tainted && is_suspect {
            repairs.note("taint.is_suspect: tainted already, read as false");
        }
        Ok(Self {
            is_tainted,
            tainted_at: taint.time("tainted_at")?,
            tainted_reason: taint.text("tainted_reason", repairs),
            tainted_by: taint.text("tainted_by", repairs),
            is_suspect: is_suspect && !is_tainted,
            suspect_since: taint.time("suspect_since")?,
            suspect_source: taint.text("suspect_source", repairs),
        })
    }
}

/// Reads the verdict: the newer member counts, the older one where the newer says nothing. A mark that stands where
/// a verdict should is none: what was judged before it is not known any more.
pub(super) fn read_verdict(
    record: &Members<'_>,
    at: Timestamp,
    event_id: EventId,
    repairs: &mut Repairs,
) -> Result<Option<Verdict>, Unreadable> {
    let verification = record.object("verification", "verification.")?;
    let newer = verification.word("status")?;
    let older = record.word("verification_status")?;
    let verified_at = verification.time("verified_at")?;
    let verified_by = verification.text("verified_by", repairs);
    let known = |word: Option<&str>| word.and_then(|word| word.parse::<VerificationStatus>().ok());
    if let Some(word) = newer.filter(|_| known(newer).is_none()) {
        repairs.note(format!("verification.status: {:?} is not known, read as pending", short(word)));
    }
    let told = known(newer).filter(|status| *status != VerificationStatus::Pending);
    let Some(outcome) = told.or_else(|| known(older)).and_then(outcome) else { return Ok(None) };
    let details = verification.plain_object("details").filter(|details| !details.is_empty());
    let details = details.or_else(|| record.plain_object("verification_details"));
    let detail = |name: &str| details.and_then(|details| details.get(name));
    let source = match outcome {
        Outcome::HumanApproved => VerdictSource::Review,
        Outcome::Passed | Outcome::Failed => VerdictSource::Qa,
    };
    Ok(Some(Verdict {
        source,
        outcome,
        at: verified_at.unwrap_or(at),
        event_id,
        artifact_id: None,
        score: detail("score").and_then(Value::as_f64),
        issues: detail("issues").and_then(Value::as_array).into_iter().flatten().map(clean_value).collect(),
        reason: text_of(detail("reason")),
        verified_by: verified_by.or_else(|| text_of(detail("reviewer"))),
    }))
}

fn outcome(status: VerificationStatus) -> Option<Outcome> {
    match status {
        VerificationStatus::Passed => Some(Outcome::Passed),
        VerificationStatus::Failed => Some(Outcome::Failed),
        VerificationStatus::HumanApproved => Some(Outcome::HumanApproved),
        VerificationStatus::Pending | VerificationStatus::Tainted | VerificationStatus::Suspect => None,
    }
}

fn text_of(value: Option<&Value>) -> Option<String> {
    let text = value.map(clean_value)?.as_str()?.to_owned();
    Some(text).filter(|text| !text.is_empty())
}

/// A word as it may stand in a report.
pub(super) fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

/// Everything but what is said about trust, which may change after the record was written.
pub(super) fn without_trust(record: &JsonObject) -> JsonObject {
    let trust = ["verification", "verification_status", "verification_details", "taint"];
    record
        .iter()
        .filter(|(name, _)| !trust.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

//! Reads one taint event of `taint_events.json`.

use protocol::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::members::{Members, Repairs, Unreadable};
use crate::records::digest;

/// A taint event as its file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileTaintEvent {
    pub(super) id: String,
    /// The id of the record that was marked or cleared, as files name it.
    pub(super) record: String,
    pub(super) at: Timestamp,
    /// As our own account has it.
    pub(super) action: &'static str,
    pub(super) artifact_id: Option<String>,
    pub(super) cascade_id: Option<String>,
    pub(super) depth: i32,
    /// The artifact that led to it.
    pub(super) source: Option<String>,
    pub(super) reason: String,
    pub(super) digest: [u8; 32],
    pub(super) repairs: Repairs,
}

/// Words of files and of our own account.
const ACTIONS: [(&str, &str); 4] =
    [("taint", "taint"), ("suspect", "suspect"), ("clear", "clear"), ("escalate", "taint")];

impl FileTaintEvent {
    /// Reads an event.
    pub(super) fn read(body: &str, now: Timestamp) -> Result<Self, Unreadable> {
        let body: Value =
            serde_json::from_str(body).map_err(|error| Unreadable(format!("not JSON: {error}")))?;
        let Value::Object(object) = &body else { return Err(Unreadable("must be an object".to_owned())) };
        let mut repairs = Repairs::default();
        let event = Members::new(object, "");
        let id = required(&event, "id", &mut repairs)?;
        let record = required(&event, "provenance_id", &mut repairs)?;
        let word = event.word("action")?.unwrap_or_default();
        let action = ACTIONS.iter().find(|(known, _)| *known == word).map(|(_, action)| *action);
        let action = action
            .ok_or_else(|| Unreadable("action: must be taint, suspect, clear or escalate".to_owned()))?;
        let depth = event.count("cascade_depth", &mut repairs).unwrap_or_default();
        Ok(Self {
            id,
            record,
            at: event.time("timestamp")?.unwrap_or(now),
            action,
            artifact_id: event.text("artifact_id", &mut repairs),
            cascade_id: event.text("cascade_id", &mut repairs),
            depth: i32::try_from(depth).unwrap_or(i32::MAX),
            source: event.text("source_artifact_id", &mut repairs),
            reason: event.text("reason", &mut repairs).unwrap_or_default(),
            digest: digest_of(&body)?,
            repairs,
        })
    }
}

/// A member that must be a text of 1 to 255 characters.
pub(super) fn required(
    members: &Members<'_>,
    name: &str,
    repairs: &mut Repairs,
) -> Result<String, Unreadable> {
    members
        .text(name, repairs)
        .filter(|text| text.chars().count() <= 255)
        .ok_or_else(|| Unreadable(format!("{name}: must have 1 to 255 characters")))
}

/// The digest of a whole body.
pub(super) fn digest_of(body: &Value) -> Result<[u8; 32], Unreadable> {
    let canonical =
        digest::canonical_value(body).map_err(|error| Unreadable(format!("not JSON: {error}")))?;
    Ok(Sha256::digest(canonical).into())
}

//! Reads one taint event of `taint_events.json`.

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
    pub(super) digest: [u8; 32],
    pub(super) repairs: Repairs,
}

const ACTIONS: [&str; 4] = ["taint", "suspect", "clear", "escalate"];

impl FileTaintEvent {
    /// Reads an event.
    pub(super) fn read(body: &str) -> Result<Self, Unreadable> {
        let body: Value =
            serde_json::from_str(body).map_err(|error| Unreadable(format!("not JSON: {error}")))?;
        let Value::Object(object) = &body else { return Err(Unreadable("must be an object".to_owned())) };
        let mut repairs = Repairs::default();
        let event = Members::new(object, "");
        let id = required(&event, "id", &mut repairs)?;
        let record = required(&event, "provenance_id", &mut repairs)?;
        event.time("timestamp")?;
        event.count("cascade_depth", &mut repairs);
        match event.word("action")? {
            Some(action) if ACTIONS.contains(&action) => {}
            _ => return Err(Unreadable(format!("action: must be one of {}", ACTIONS.join(", ")))),
        }
        Ok(Self { id, record, digest: digest_of(&body)?, repairs })
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

//! What a record's file says now: an imported one as it stood, with the marks and the verdict of today where they
//! changed; any other from its columns.

use diesel::QueryResult;
use diesel::result::Error;
use protocol::events::JsonObject;
use serde_json::{Value, json};

use super::native::{self, WrittenRow};
use super::record_file::FileRecord;
use crate::records::rows::unreadable;

/// The JSON of a record's file.
///
/// # Errors
/// If something else than this service wrote the row.
pub(super) fn body_of(row: WrittenRow) -> QueryResult<String> {
    let as_imported = row.imported_digest.as_ref() == Some(&row.content_digest);
    match &row.body {
        Some(body) if as_imported => {
            if is_unchanged(&row, body) {
                return Ok(body.clone());
            }
            let members: JsonObject = serde_json::from_str(body).map_err(unreadable)?;
            to_text(&with_trust_of(&row, members))
        }
        _ => to_text(&native::write(row)?),
    }
}

/// The JSON of an imported checkpoint: as it stood, but for whether it can still be returned to.
///
/// # Errors
/// If something else than this service wrote the row.
pub(super) fn checkpoint_of(body: String, is_valid: Option<bool>) -> QueryResult<String> {
    let Some(is_valid) = is_valid else { return Ok(body) };
    let mut members: JsonObject = serde_json::from_str(&body).map_err(unreadable)?;
    // Anything but false was read as valid.
    if (members.get("is_valid") != Some(&json!(false))) == is_valid {
        return Ok(body);
    }
    members.insert("is_valid".to_owned(), json!(is_valid));
    to_text(&members)
}

/// Whether the record's marks and verdict are still those of its file.
fn is_unchanged(row: &WrittenRow, body: &str) -> bool {
    let file = row.file.as_deref().unwrap_or_default();
    let Ok(told) = FileRecord::read(file, body, row.created_at.into()) else { return false };
    let verdict = told.verdict_word();
    let marks = told.marks;
    row.verdict == verdict
        && (row.is_tainted, row.is_suspect) == (marks.is_tainted, marks.is_suspect)
        && row.tainted_at == marks.tainted_at.map(|time| time.to_utc())
        && row.suspect_since == marks.suspect_since.map(|time| time.to_utc())
        && row.tainted_reason == marks.tainted_reason
        && row.tainted_by == marks.tainted_by
        && row.suspect_source == marks.suspect_source
}

fn with_trust_of(row: &WrittenRow, mut members: JsonObject) -> JsonObject {
    if let Value::Object(marks) = native::taint(row) {
        match members.get_mut("taint").and_then(Value::as_object_mut) {
            Some(taint) => taint.extend(marks),
            None => {
                members.insert("taint".to_owned(), Value::Object(marks));
            }
        }
    }
    if let Some(verification) = members.get_mut("verification").and_then(Value::as_object_mut) {
        verification.insert("status".to_owned(), json!(row.status));
    }
    members.insert("verification_status".to_owned(), json!(row.status));
    members
}

fn to_text(members: &JsonObject) -> QueryResult<String> {
    serde_json::to_string(members).map_err(|error| Error::SerializationError(Box::new(error)))
}

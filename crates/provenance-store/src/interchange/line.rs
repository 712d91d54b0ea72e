//! One line of an import: `{"kind": ..., "file": ..., "key"?: ..., "body": the JSON as it was in the file}`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::naming::is_plain_file_name;

/// What a line brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A record: the content of a file of its own.
    Record,
    /// One element of `taint_events.json`.
    TaintEvent,
    /// One member of `checkpoints.json`.
    Checkpoint,
}

/// A line, not looked into yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    pub(super) kind: Kind,
    pub(super) file: String,
    /// Of a member of `checkpoints.json` that does not tell its own id: its key there.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// As it stood in the file, to the letter.
    #[serde(borrow)]
    pub(super) body: &'a RawValue,
}

/// Takes a line apart.
///
/// # Errors
/// Says what is wrong, with the file's name where it can be read.
pub(super) fn parse(text: &str) -> Result<Line<'_>, (Option<String>, String)> {
    let line: Line<'_> =
        serde_json::from_str(text).map_err(|error| (None, format!("not a line of an import: {error}")))?;
    if is_plain_file_name(&line.file) {
        Ok(line)
    } else {
        let reason = "file: must be the plain name of a file, of 1 to 255 characters".to_owned();
        Err((Some(line.file), reason))
    }
}

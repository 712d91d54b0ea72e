//! What gateway and provenance-store tell each other while records are imported and exported.

use serde::{Deserialize, Serialize};

use crate::ids::ProjectId;

/// What became of a line of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// It is here now.
    Imported,
    /// It was here before.
    Unchanged,
    /// It is here now, and some of it had to be read otherwise than it stood; the reason says what.
    Repaired,
    /// It was not taken; the reason says why.
    Refused,
}

/// The answer to one line of an import (contract 1.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedLine {
    /// The file's name; null if the line could not be read.
    pub file: Option<String>,
    /// The id in the file; null if it could not be read.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: ImportOutcome,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer to a batch of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedLines {
    /// One for each line that is not blank, in their order.
    pub lines: Vec<ImportedLine>,
    /// The projects of what is here now, whether it came with these lines or was here before.
    pub projects: Vec<ProjectId>,
}

/// What a line of an export holds, in the order of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportKind {
    /// A record.
    Record,
    /// A checkpoint.
    Checkpoint,
    /// A taint event.
    TaintEvent,
}

impl ExportKind {
    /// The word in a line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Checkpoint => "checkpoint",
            Self::TaintEvent => "taint_event",
        }
    }
}

/// Where a page of an export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportCursor {
    /// Among which kind.
    pub kind: ExportKind,
    /// At which of them.
    pub position: i64,
    /// Whether those from files are through, and it is about those that were made here.
    #[serde(default)]
    pub made_here: bool,
}

/// Some lines of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedPage {
    /// Lines without line breaks, as an import takes them.
    pub lines: Vec<String>,
    /// Where to go on; absent at the end.
    pub next: Option<ExportCursor>,
}

/// In which form one artifact's provenance is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Records as in files.
    Json,
    /// W3C PROV-JSON.
    Prov,
}

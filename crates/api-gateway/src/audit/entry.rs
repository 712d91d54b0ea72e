//! What the audit log holds.

use protocol::{Timestamp, TraceId};

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditEntry {
    /// When it came in.
    pub(crate) at: Timestamp,
    /// Id of the caller's key, or `anonymous`.
    pub(crate) caller: String,
    /// What people call the caller.
    pub(crate) caller_name: String,
    /// From which address.
    pub(crate) peer: Option<String>,
    /// HTTP method.
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// HTTP status of the answer; 0 when there was none in time.
    pub(crate) status: u16,
    /// Where what was made is.
    pub(crate) location: Option<String>,
    /// The trace.
    pub(crate) trace_id: TraceId,
    /// What the client calls the request.
    pub(crate) request_id: String,
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedEntry {
    /// Grows with every entry.
    pub(crate) sequence: u64,
    /// What it says.
    pub(crate) entry: AuditEntry,
}

/// Which entries a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AuditFilter {
    /// Of this caller.
    pub(crate) caller: Option<String>,
    /// Later than this.
    pub(crate) after: Option<Timestamp>,
    /// Earlier than this.
    pub(crate) before: Option<Timestamp>,
    /// Before this entry.
    pub(crate) below: Option<u64>,
}

/// Some entries, newest first, and whether there are older ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditPage {
    /// The entries.
    pub(crate) entries: Vec<RecordedEntry>,
    /// The last of them, if there are more.
    pub(crate) next: Option<u64>,
}

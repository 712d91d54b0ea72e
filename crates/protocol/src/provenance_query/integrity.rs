//! Whether records are what was written.

use serde::{Deserialize, Serialize};

use crate::ids::{ProjectId, ProvenanceId};

/// Goes through a project's chain and records, a portion at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyQuery {
    /// Which project.
    pub project_id: ProjectId,
    /// Most links or records in this portion.
    pub limit: u32,
    /// Where the portion before ended; the beginning when absent.
    pub after: Option<VerifyPlace>,
}

/// How far a verification is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum VerifyPlace {
    /// Going through the chain.
    Chain {
        /// Position of the last link that was looked at.
        position: i64,
        /// Its hash as computed, in hex.
        hash: String,
    },
    /// Going through the records.
    Records {
        /// Place of the last record that was looked at.
        sequence: i64,
    },
}

/// What a portion showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyPage {
    /// Links that were looked at.
    pub revisions: u64,
    /// Records whose content was computed again.
    pub records: u64,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// Where the chain ends, once it is reached.
    pub head: Option<ChainHead>,
    /// Where to go on; absent at the end.
    pub next: Option<VerifyPlace>,
}

/// Where a chain ends. Whoever notes it elsewhere can prove later that nothing before it was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Links in the chain.
    pub length: u64,
    /// Hash of the last, in hex.
    pub hash: String,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of misfit.
    pub kind: FindingKind,
    /// Position in the chain, where it is about a link.
    pub position: Option<u64>,
    /// The record, where it is known.
    pub provenance_id: Option<ProvenanceId>,
    /// In words.
    pub detail: String,
}

/// What kind of misfit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A record, or an output of it, says something else than what was written.
    Altered,
    /// A record, or a link, that was written is not there.
    Removed,
    /// A link is not what its place says: links were moved, changed or put in between.
    Reordered,
    /// A record is there that nothing wrote.
    Added,
}

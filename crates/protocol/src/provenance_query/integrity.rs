//! Whether records are what was written.

use serde::{Deserialize, Serialize};

use crate::ids::{ProjectId, ProvenanceId};

/// Goes through a project's chain and records, a portion at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyQuery {
    /// Which project; absent for what belongs to none.
    #[serde(default)]
    pub project_id: Option<ProjectId>,
    /// Most links or records in this portion.
    pub limit: u32,
    /// Where the portion before ended; the beginning when absent.
    pub after: Option<VerifyPlace>,
    /// An end of the chain as somebody noted it: it has to lie in the chain of today. Looked at with the first portion.
    #[serde(default)]
    pub expected: Option<ChainHead>,
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
    /// Going through the files of marks and checkpoints that were kept as they came. Only where there are any.
    Files {
        /// Place of the last file that was looked at.
        position: i64,
    },
    /// Going through the artifacts that nobody produced, for what belongs to no project.
    Loose {
        /// The last artifact that was looked at.
        artifact_id: String,
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
    /// Whether anything was ever written of the project; told with the first portion.
    #[serde(default)]
    pub is_known: bool,
    /// Where to go on; absent at the end.
    pub next: Option<VerifyPlace>,
}

/// Where a chain ends. Whoever notes it elsewhere can have it compared later, and knows that nothing before it was
/// changed.
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
    /// A record, its marks, an edge or a file that was kept says something else than what was written.
    Altered,
    /// A record, or a link, that was written is not there.
    Removed,
    /// A link is not what its place says: links were moved, changed or put in between.
    Reordered,
    /// A record or a mark is there that nothing wrote.
    Added,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_and_an_answer_of_the_version_before_are_understood() {
        let query: VerifyQuery = serde_json::from_str(
            r#"{"project_id": "shop", "limit": 9, "after": {"stage": "records", "sequence": 7}}"#,
        )
        .unwrap();
        assert_eq!(query.project_id.unwrap().as_str(), "shop");
        assert_eq!((query.after, query.expected), (Some(VerifyPlace::Records { sequence: 7 }), None));
        let page: VerifyPage = serde_json::from_str(
            r#"{"revisions": 1, "records": 1, "findings": [], "head": null, "next": null}"#,
        )
        .unwrap();
        assert!(!page.is_known);
    }
}

//! What the provenance-store tells of its records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ArtifactId, ProvenanceId, TaskId};

/// `provenance.recorded`: a record was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProvenanceRecorded {
    /// The record.
    pub provenance_id: ProvenanceId,
    /// The task it is about.
    pub task_id: TaskId,
    /// The pass it is about.
    pub attempt: u32,
    /// What the attempt produced.
    #[serde(default)]
    pub artifact_ids: Vec<ArtifactId>,
    /// Whether they were found wrong before they were recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_tainted: bool,
}

//! Questions about the graph of artifacts, and their answers (contract 1.5, 1.6 "Graph").

use serde::{Deserialize, Serialize};

use super::TaintView;
use crate::ids::{ArtifactId, ProjectId, ProvenanceId, TaskId};
use crate::vocabulary::Relationship;

/// What was made from an artifact, or what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedQuery {
    /// Provenance id, artifact id or task id.
    pub id: String,
    /// Whether to follow edges further than one.
    pub transitive: bool,
    /// Most edges to follow.
    pub max_depth: Option<u32>,
    /// Most artifacts in the answer.
    pub limit: u32,
    /// Where the answer before ended.
    pub after: Option<ReachedPlace>,
}

/// A place in a list of reached artifacts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReachedPlace {
    /// Least depth first,
    pub depth: u32,
    /// then by id.
    pub artifact_id: String,
}

/// A page of reached artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedPage {
    /// Where the walk began.
    pub artifact_id: String,
    /// Each artifact once, nearest first.
    pub artifacts: Vec<ReachedArtifact>,
    /// How many were reached, in all pages.
    pub total: u64,
    /// Whether a limit of depth or size left something out.
    pub truncated: bool,
    /// Where the next page begins.
    pub next: Option<ReachedPlace>,
}

/// An artifact that a walk reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedArtifact {
    /// Its id.
    pub artifact_id: ArtifactId,
    /// The record that produced the nearest version, where one is known.
    pub provenance_id: Option<ProvenanceId>,
    /// How the edge that was followed to it is told.
    pub relationship: Relationship,
    /// Edges on the shortest way, from 1.
    pub depth: u32,
    /// How many of its versions were reached.
    pub versions: u32,
}

/// Everything that an artifact has an effect on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpactQuery {
    /// Provenance id, artifact id or task id.
    pub id: String,
    /// Most edges to follow.
    pub max_depth: Option<u32>,
}

/// What an artifact has an effect on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpactView {
    /// Where the walk began.
    pub artifact_id: String,
    /// Made from it.
    pub direct_dependents: Vec<String>,
    /// Made from it, from that, and so on; the direct ones too.
    pub transitive_dependents: Vec<String>,
    /// How many these are.
    pub total_affected: u64,
    /// Edges to the furthest of them.
    pub max_depth: u32,
    /// Their projects, sorted.
    pub projects: Vec<ProjectId>,
    /// The tasks that made them.
    pub tasks: Vec<TaskId>,
    /// Whether a limit of depth or size left something out.
    pub truncated: bool,
}

/// What an artifact's trouble began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootCauseView {
    /// The artifact that was asked for.
    pub artifact_id: String,
    /// The artifact upstream that was tainted first, else the artifact itself; absent where nobody produced it.
    pub root_cause: Option<String>,
    /// The first input of the artifact's producer, where something upstream is tainted.
    pub immediate_cause: Option<String>,
    /// From the root cause to the artifact, both included.
    pub path: Vec<String>,
    /// Edges on that path.
    pub depth: u32,
}

/// An artifact's graph in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageQuery {
    /// Provenance id, artifact id or task id.
    pub id: String,
    /// Most edges to follow in each direction.
    pub max_depth: Option<u32>,
    /// Most nodes in each direction.
    pub limit: u32,
}

/// A piece of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageView {
    /// Versions of artifacts: the start first, then upstream, then downstream, nearest first.
    pub nodes: Vec<LineageNode>,
    /// Edges between them.
    pub edges: Vec<LineageEdge>,
    /// Whether a limit of depth or size left something out.
    pub truncated: bool,
}

/// A version of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageNode {
    /// Its id.
    pub artifact_id: ArtifactId,
    /// The record that produced it, where one is known.
    pub provenance_id: Option<ProvenanceId>,
    /// The task of that record.
    pub task_id: Option<TaskId>,
    /// `code`, `document`, ...; absent where nobody told.
    #[serde(rename = "type")]
    pub artifact_type: Option<String>,
    /// That record's marks.
    pub taint: TaintView,
}

/// An edge from an input to an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageEdge {
    /// The input.
    pub from: ArtifactId,
    /// The output.
    pub to: ArtifactId,
    /// How it was used.
    pub relationship: Relationship,
    /// The record that produced the input, where one is known.
    pub from_provenance_id: Option<ProvenanceId>,
    /// The record that produced the output.
    pub to_provenance_id: Option<ProvenanceId>,
    /// Whether the input had the checksum that its user told; absent where either is not known.
    pub checksum_matches: Option<bool>,
}

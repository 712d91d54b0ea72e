//! `GET /provenance/{id}/lineage`: an artifact's graph in both directions.

use actix_web::web::{Data, Json};
use protocol::provenance_query::graph::{LineageEdge, LineageNode, LineageQuery, LineageView};
use protocol::vocabulary::Relationship;
use protocol::{ArtifactId, ProvenanceId, TaskId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::get::view::RecordTaintView;
use super::no_such_artifact;
use super::reached::MOST_DEPTH;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchArtifactOrBadQuery};
use crate::http::openapi::vocabulary::RelationshipWord;
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};

/// Nodes in each direction when the client does not say.
const DEFAULT_NODES: u32 = 1_000;
/// Most nodes in each direction.
const MOST_NODES: u32 = 10_000;

/// Shows an artifact's lineage
///
/// What it was built from and what was built on it, as nodes and edges. Versions of an artifact are nodes of their
/// own, told apart by the records that produced them.
#[utoipa::path(
    get,
    path = "/api/v1/provenance/{id}/lineage",
    tag = "provenance",
    params(
        ("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
            max_length = 255),
        LineageParameters,
    ),
    responses(
        (status = 200, description = "The lineage", body = LineageResponse),
        NoSuchArtifactOrBadQuery,
        CannotServe,
    )
)]
pub(crate) async fn get_lineage(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<RecordReference>,
    query: Query<LineageParameters>,
) -> Result<Json<LineageResponse>, ApiError> {
    let limit = query.0.limit.unwrap_or(DEFAULT_NODES);
    let query = LineageQuery { id: id.0.0, max_depth: query.0.max_depth, limit };
    let lineage =
        state.provenance.within(caller.projects()).get_lineage(query).await?.ok_or_else(no_such_artifact)?;
    Ok(Json(lineage.into()))
}

/// How far to go.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LineageParameters {
    /// Most edges to follow in each direction.
    #[param(minimum = 1, maximum = 100_000)]
    max_depth: Option<u32>,
    /// Most nodes in each direction; 1000 when absent.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<u32>,
}

impl ReadQuery for LineageParameters {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            max_depth: parameters.integer("max_depth", 1..=MOST_DEPTH),
            limit: parameters.integer("limit", 1..=MOST_NODES),
        })
    }
}

/// An artifact's graph.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageResponse {
    /// The artifact first, then what it was built from, then what was built on it, nearest first.
    nodes: Vec<LineageNodeView>,
    /// From input to output.
    edges: Vec<LineageEdgeView>,
    /// Whether a limit of depth or size left something out.
    truncated: bool,
}

/// A version of an artifact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineageNode)]
struct LineageNodeView {
    /// Its id.
    #[schema(value_type = String)]
    artifact_id: ArtifactId,
    /// The record that produced it; `null` where nobody is known to have produced it.
    #[schema(value_type = Option<Uuid>)]
    provenance_id: Option<ProvenanceId>,
    /// The task of that record.
    #[schema(value_type = Option<Uuid>)]
    task_id: Option<TaskId>,
    /// `code`, `document`, ...; `null` where nobody told.
    #[serde(rename = "type")]
    artifact_type: Option<String>,
    /// Whether it can be trusted.
    taint: RecordTaintView,
}

/// An edge from an input to an output.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineageEdge)]
struct LineageEdgeView {
    /// The input.
    #[schema(value_type = String)]
    from: ArtifactId,
    /// The output.
    #[schema(value_type = String)]
    to: ArtifactId,
    /// How it was used.
    #[schema(value_type = RelationshipWord)]
    relationship: Relationship,
    /// The record that produced the input.
    #[schema(value_type = Option<Uuid>)]
    from_provenance_id: Option<ProvenanceId>,
    /// The record that produced the output.
    #[schema(value_type = Option<Uuid>)]
    to_provenance_id: Option<ProvenanceId>,
    /// Whether the input had the checksum that its user told; `null` where either is not known.
    checksum_matches: Option<bool>,
}

impl From<LineageView> for LineageResponse {
    fn from(lineage: LineageView) -> Self {
        Self {
            nodes: lineage.nodes.into_iter().map(Into::into).collect(),
            edges: lineage.edges.into_iter().map(Into::into).collect(),
            truncated: lineage.truncated,
        }
    }
}

impl From<LineageNode> for LineageNodeView {
    fn from(node: LineageNode) -> Self {
        Self {
            artifact_id: node.artifact_id,
            provenance_id: node.provenance_id,
            task_id: node.task_id,
            artifact_type: node.artifact_type,
            taint: node.taint.into(),
        }
    }
}

impl From<LineageEdge> for LineageEdgeView {
    fn from(edge: LineageEdge) -> Self {
        Self {
            from: edge.from,
            to: edge.to,
            relationship: edge.relationship,
            from_provenance_id: edge.from_provenance_id,
            to_provenance_id: edge.to_provenance_id,
            checksum_matches: edge.checksum_matches,
        }
    }
}

//! What the lists of dependents and of dependencies have in common.

use protocol::provenance_query::graph::{ReachedArtifact, ReachedPage, ReachedQuery};
use protocol::vocabulary::Relationship;
use protocol::{ArtifactId, ProvenanceId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::cursors::ReachedCursor;
use crate::http::openapi::vocabulary::RelationshipWord;
use crate::http::page::{DEFAULT_LIMIT, MOST_PER_PAGE};
use crate::http::query::{Parameters, ReadQuery};

/// Furthest that a client may ask to go.
pub(super) const MOST_DEPTH: u32 = 100_000;

/// How far to go, and which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReachedParameters {
    /// Whether to go further than one edge; `true` when absent.
    transitive: Option<bool>,
    /// Most edges to follow.
    #[param(minimum = 1, maximum = 100_000)]
    max_depth: Option<u32>,
    /// Most artifacts in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<ReachedCursor>,
}

impl ReadQuery for ReachedParameters {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            transitive: parameters.parsed("transitive"),
            max_depth: parameters.integer("max_depth", 1..=MOST_DEPTH),
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            cursor: parameters.parsed("cursor"),
        })
    }
}

impl ReachedParameters {
    /// The question about the artifact, record or task of that id.
    pub(super) fn about(self, id: String) -> ReachedQuery {
        ReachedQuery {
            id,
            transitive: self.transitive.unwrap_or(true),
            max_depth: self.max_depth,
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
            after: self.cursor.map(|cursor| cursor.0),
        }
    }
}

/// An artifact that is connected with another one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectedArtifact)]
pub(crate) struct ReachedView {
    /// Its id.
    #[schema(value_type = String)]
    artifact_id: ArtifactId,
    /// The record that produced its nearest version; `null` where nobody is known to have produced it.
    #[schema(value_type = Option<Uuid>)]
    provenance_id: Option<ProvenanceId>,
    /// How the last edge on the way was used.
    #[schema(value_type = RelationshipWord)]
    relationship: Relationship,
    /// Edges on the shortest way, from 1.
    depth: u32,
    /// How many of its versions are connected.
    versions: u32,
}

impl From<ReachedArtifact> for ReachedView {
    fn from(found: ReachedArtifact) -> Self {
        Self {
            artifact_id: found.artifact_id,
            provenance_id: found.provenance_id,
            relationship: found.relationship,
            depth: found.depth,
            versions: found.versions,
        }
    }
}

/// A page, taken apart.
pub(super) struct Connected {
    pub(super) artifact_id: String,
    pub(super) artifacts: Vec<ReachedView>,
    pub(super) total: u64,
    pub(super) truncated: bool,
    pub(super) next_cursor: Option<String>,
}

impl From<ReachedPage> for Connected {
    fn from(page: ReachedPage) -> Self {
        Self {
            artifact_id: page.artifact_id,
            artifacts: page.artifacts.into_iter().map(Into::into).collect(),
            total: page.total,
            truncated: page.truncated,
            next_cursor: page.next.map(|place| ReachedCursor(place).to_string()),
        }
    }
}

//! `GET /provenance/{id}/root-cause`: what an artifact's trouble began with.

use actix_web::web::{Data, Json};
use protocol::provenance_query::graph::RootCauseView;
use serde::Serialize;
use utoipa::ToSchema;

use super::no_such_artifact;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchArtifactOrBadQuery};
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};

/// Finds what an artifact's trouble began with
///
/// The artifact upstream that was tainted first. What has nothing tainted upstream is its own root cause; what
/// nobody is known to have produced has none.
#[utoipa::path(
    get,
    path = "/api/v1/provenance/{id}/root-cause",
    tag = "provenance",
    params(("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
        max_length = 255)),
    responses(
        (status = 200, description = "The root cause", body = RootCauseResponse),
        NoSuchArtifactOrBadQuery,
        CannotServe,
    )
)]
pub(crate) async fn get_root_cause(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<RecordReference>,
    _: Query<NoParameters>,
) -> Result<Json<RootCauseResponse>, ApiError> {
    let found = state
        .provenance
        .within(caller.projects())
        .find_root_cause(id.0.0)
        .await?
        .ok_or_else(no_such_artifact)?;
    Ok(Json(found.into()))
}

/// What an artifact's trouble began with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RootCauseResponse {
    /// The artifact; of a record with several the main one.
    artifact_id: String,
    /// The artifact that was tainted first, or the artifact itself; `null` where nobody produced it.
    root_cause: Option<String>,
    /// The first input of the artifact's producer; `null` where nothing upstream is tainted.
    immediate_cause: Option<String>,
    /// A shortest way from the root cause to the artifact, both included.
    path: Vec<String>,
    /// Edges on that way.
    depth: u32,
}

impl From<RootCauseView> for RootCauseResponse {
    fn from(found: RootCauseView) -> Self {
        Self {
            artifact_id: found.artifact_id,
            root_cause: found.root_cause,
            immediate_cause: found.immediate_cause,
            path: found.path,
            depth: found.depth,
        }
    }
}

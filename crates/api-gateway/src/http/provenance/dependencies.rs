//! `GET /provenance/{id}/dependencies`: what an artifact was built from.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::no_such_artifact;
use super::reached::{Connected, ReachedParameters, ReachedView};
use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchArtifactOrBadQuery};
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::http::query::Query;

/// Lists what an artifact was built from
///
/// Each artifact once, nearest first, with the length of the shortest way. An artifact in a circle is among its own
/// dependencies. The id is a provenance id, an artifact id (its newest version) or a task id (its newest record).
#[utoipa::path(
    get,
    path = "/api/v1/provenance/{id}/dependencies",
    tag = "provenance",
    params(
        ("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
            max_length = 255),
        ReachedParameters,
    ),
    responses(
        (status = 200, description = "A page of dependencies", body = ListDependenciesResponse),
        NoSuchArtifactOrBadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_dependencies(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<RecordReference>,
    query: Query<ReachedParameters>,
) -> Result<Json<ListDependenciesResponse>, ApiError> {
    let page = state.provenance.within(caller.projects()).list_dependencies(query.0.about(id.0.0)).await?;
    Ok(Json(ListDependenciesResponse::of(page.ok_or_else(no_such_artifact)?.into())))
}

/// What an artifact was built from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListDependenciesResponse {
    /// The artifact; of a record with several the main one.
    artifact_id: String,
    /// Nearest first.
    dependencies: Vec<ReachedView>,
    /// How many there are, in all pages.
    total: u64,
    /// Whether a limit of depth or size left something out.
    truncated: bool,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

impl ListDependenciesResponse {
    fn of(page: Connected) -> Self {
        Self {
            artifact_id: page.artifact_id,
            dependencies: page.artifacts,
            total: page.total,
            truncated: page.truncated,
            next_cursor: page.next_cursor,
        }
    }
}

//! `GET /provenance/{id}/dependents`: what was built on an artifact.

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

/// Lists what was built on an artifact
///
/// Each artifact once, nearest first, with the length of the shortest way. An artifact in a circle is among its own
/// dependents. The id is a provenance id, an artifact id (its newest version) or a task id (its newest record).
#[utoipa::path(
    get,
    path = "/api/v1/provenance/{id}/dependents",
    tag = "provenance",
    params(
        ("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
            max_length = 255),
        ReachedParameters,
    ),
    responses(
        (status = 200, description = "A page of dependents", body = ListDependentsResponse),
        NoSuchArtifactOrBadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_dependents(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<RecordReference>,
    query: Query<ReachedParameters>,
) -> Result<Json<ListDependentsResponse>, ApiError> {
    let page = state.provenance.within(caller.projects()).list_dependents(query.0.about(id.0.0)).await?;
    Ok(Json(ListDependentsResponse::of(page.ok_or_else(no_such_artifact)?.into())))
}

/// What was built on an artifact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListDependentsResponse {
    /// The artifact; of a record with several the main one.
    artifact_id: String,
    /// Nearest first.
    dependents: Vec<ReachedView>,
    /// How many there are, in all pages.
    total: u64,
    /// Whether a limit of depth or size left something out.
    truncated: bool,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

impl ListDependentsResponse {
    fn of(page: Connected) -> Self {
        Self {
            artifact_id: page.artifact_id,
            dependents: page.artifacts,
            total: page.total,
            truncated: page.truncated,
            next_cursor: page.next_cursor,
        }
    }
}

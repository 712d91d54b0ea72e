//! `POST /provenance/{id}/clear`: somebody looked, and it is good.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::taint::{MOST_REASON_CHARS, refusal};
use crate::http::AppState;
use crate::http::body::{Fields, OptionalBody, ReadBody};
use crate::http::openapi::answers::{CannotServe, NoSuchArtifactOrBadBody};
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::trust::marking;

/// Takes the marks off something
///
/// The record is good again with everything it produced, and so is what was only suspect because of it. Looked up
/// like a record.
#[utoipa::path(
    post,
    path = "/api/v1/provenance/{id}/clear",
    tag = "provenance",
    params(("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
        max_length = 255)),
    request_body(content = Option<ClearRequest>, examples(
        ("reasoned" = (value = json!({ "reason": "Checked by hand: the price list is the right one" }))),
        ("bare" = (value = json!({}))),
    )),
    responses(
        (status = 200, description = "It is good", body = ClearResponse),
        NoSuchArtifactOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn clear_provenance(
    state: Data<AppState>,
    id: PathId<RecordReference>,
    request: OptionalBody<ClearRequest>,
) -> Result<Json<ClearResponse>, ApiError> {
    let reason = request.0.and_then(|request| request.reason).unwrap_or_default();
    let clearing = marking::clear(&state.tasks, &state.provenance, id.0.0, reason).await.map_err(refusal)?;
    Ok(Json(ClearResponse { artifact_id: clearing.artifact_id, cleared: clearing.cleared }))
}

/// Why it is good.
#[derive(Debug, ToSchema)]
pub(crate) struct ClearRequest {
    /// In words.
    #[schema(min_length = 0, max_length = 2_000)]
    reason: Option<String>,
}

impl ReadBody for ClearRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: fields.optional("reason", |node| node.text(0..=MOST_REASON_CHARS)) })
    }
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClearResponse {
    /// The artifact; of a record its main one.
    artifact_id: String,
    /// Whether there was anything to clear.
    cleared: bool,
}

//! `GET /provenance/{id}`: the record of a task attempt, as the provenance-store keeps it.

pub(super) mod view;

use actix_web::web::{Data, Json};
use protocol::ErrorCode;

use self::view::ProvenanceRecordResponse;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchRecord};
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::provenance::ProvenanceError;

/// Shows a provenance record
///
/// The id is a provenance id, an artifact id or a task id (its newest record), tried in this order. A `/` in an
/// artifact id is written `%2F`.
#[utoipa::path(
    get,
    path = "/api/v1/provenance/{id}",
    tag = "provenance",
    params(("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
        max_length = 255)),
    responses(
        (status = 200, description = "The record", body = ProvenanceRecordResponse),
        NoSuchRecord,
        CannotServe,
    )
)]
pub(crate) async fn get_provenance(
    state: Data<AppState>,
    id: PathId<RecordReference>,
    _: Query<NoParameters>,
) -> Result<Json<ProvenanceRecordResponse>, ApiError> {
    let record = state.provenance.find_record(id.0.0).await?;
    let record = record.ok_or_else(|| {
        ApiError::new(
            ErrorCode::ProvenanceNotFound,
            "there is no record of that provenance, artifact or task id",
        )
    })?;
    Ok(Json(record.into()))
}

impl From<ProvenanceError> for ApiError {
    fn from(error: ProvenanceError) -> Self {
        match &error {
            ProvenanceError::Timeout => {
                Self::new(ErrorCode::ProvenanceTimeout, "the provenance-store did not answer in time")
            }
            ProvenanceError::Unavailable(_) => {
                Self::unavailable("the provenance-store cannot be reached").caused_by(error)
            }
            ProvenanceError::Unreadable(_) | ProvenanceError::Refused(_) => Self::internal(error),
        }
    }
}

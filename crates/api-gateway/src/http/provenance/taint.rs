//! `POST /provenance/{id}/taint`: something was found wrong.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::ErrorCode;
use protocol::vocabulary::Severity;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{CannotServe, NoSuchArtifactOrBadBody};
use crate::http::openapi::vocabulary::SeverityWord;
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;
use crate::trust::marking::{self, Finding, MarkingError};

/// Most characters of a reason.
pub(crate) const MOST_REASON_CHARS: usize = 2_000;

/// Marks something as wrong
///
/// The id is a provenance id (everything that the record produced), an artifact id (its newest version) or a task id
/// (its newest record). Everything built on it becomes suspect; tasks that would use it are held. Doing it again
/// changes nothing. A `/` in an artifact id is written `%2F`.
#[utoipa::path(
    post,
    path = "/api/v1/provenance/{id}/taint",
    tag = "provenance",
    params(("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
        max_length = 255)),
    request_body(content = TaintRequest, examples(
        ("minimal" = (summary = "Only what is needed", value = json!({ "reason": "Uses the wrong price list" }))),
        ("alone" = (summary = "What is built on it stays good", value = json!({
            "reason": "A misspelt heading", "severity": "low", "propagate": false
        }))),
    )),
    responses(
        (status = 202, description = "It is marked, and its dependents will be", body = TaintResponse),
        NoSuchArtifactOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn taint_provenance(
    state: Data<AppState>,
    operation: Option<OperationId>,
    id: PathId<RecordReference>,
    request: RequestBody<TaintRequest>,
) -> Result<HttpResponse, ApiError> {
    let TaintRequest { reason, severity, propagate } = request.0;
    let finding = Finding { id: id.0.0, reason, severity, propagate: propagate.unwrap_or(true) };
    let tasks = state.tasks.serving(operation);
    let cascade_id = marking::taint(&tasks, &state.provenance, finding).await.map_err(refusal)?;
    Ok(HttpResponse::Accepted().json(TaintResponse { cascade_id }))
}

/// Nothing that could be marked has that id.
pub(crate) fn no_such_artifact() -> ApiError {
    ApiError::new(ErrorCode::ArtifactNotFound, "there is no record or artifact of that id")
}

/// What whoever wanted to mark something is told.
pub(super) fn refusal(error: MarkingError) -> ApiError {
    match error {
        MarkingError::NotFound => no_such_artifact(),
        MarkingError::Provenance(error) => error.into(),
        MarkingError::Store(error) => error.into(),
    }
}

/// What is wrong.
#[derive(Debug, ToSchema)]
pub(crate) struct TaintRequest {
    /// Why.
    #[schema(min_length = 1, max_length = 2_000, pattern = r"\S", example = "uses the wrong price list")]
    reason: String,
    /// How bad.
    #[schema(value_type = Option<SeverityWord>)]
    severity: Option<Severity>,
    /// Whether what is built on it already becomes suspect; `true` when absent.
    propagate: Option<bool>,
}

impl ReadBody for TaintRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", |node| node.text(1..=MOST_REASON_CHARS));
        let severity = fields.optional("severity", |node| node.parsed());
        let propagate = fields.optional("propagate", |node| node.flag());
        Some(Self { reason: reason?, severity, propagate })
    }
}

/// A taint on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaintResponse {
    /// The cascade that everything marked by it belongs to.
    cascade_id: String,
}

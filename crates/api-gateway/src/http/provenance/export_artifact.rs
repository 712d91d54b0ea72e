//! `GET /provenance/{id}/export`: one artifact's provenance as a document.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::ErrorCode;
use protocol::provenance_query::ExportFormat;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchArtifactOrBadInput};
use crate::http::path::{PathId, RecordReference};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};

/// In which form.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportArtifactQuery {
    /// `json`: records in the form of files; `prov`: W3C PROV-JSON
    #[param(value_type = Option<String>, pattern = "^(json|prov)$", required = false)]
    format: ExportFormat,
}

impl ReadQuery for ExportArtifactQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        let word: Option<String> = parameters.word("format", &["json", "prov"]);
        let format = if word.as_deref() == Some("prov") { ExportFormat::Prov } else { ExportFormat::Json };
        Some(Self { format })
    }
}

/// Exports an artifact's provenance
///
/// Its record and everything that it was built on, up to 2000 artifacts. As `json`: `artifact_id`, `provenance` (its
/// record in the form of a file; null if nobody is known to have made it), `lineage` (all records, its own first),
/// `truncated` and `exported_at`. As `prov`: a PROV-JSON document.
#[utoipa::path(
    get,
    path = "/api/v1/provenance/{id}/export",
    tag = "provenance",
    params(
        ("id" = String, Path, description = "Provenance id, artifact id or task id", min_length = 1,
            max_length = 255),
        ExportArtifactQuery,
    ),
    responses(
        (status = 200, description = "The document", body = Object),
        NoSuchArtifactOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn export_artifact_provenance(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<RecordReference>,
    query: Query<ExportArtifactQuery>,
) -> Result<HttpResponse, ApiError> {
    let found = state.provenance.within(caller.projects()).export_artifact(id.0.0, query.0.format).await?;
    let document = found.ok_or_else(|| {
        ApiError::new(ErrorCode::ArtifactNotFound, "there is no artifact, record or task of that id")
    })?;
    Ok(HttpResponse::Ok().json(document))
}

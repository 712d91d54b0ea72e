//! `GET /projects/{project_id}/provenance/export`: everything that was recorded of a project, line by line.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::ProjectId;
use protocol::provenance_query::ExportCursor;

use super::import::ImportLine;
use crate::http::AppState;
use crate::http::ndjson;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadInput, StoreTooSlow};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::projects::refusal;
use crate::http::query::{NoParameters, Query};
use crate::projects::catalogue;
use crate::provenance::transfer::Transfer;

/// Exports a project's records
///
/// The same lines that an import takes: every record in the order of recording, then checkpoints, then taint events.
/// What was imported is written as it was, with its marks of today. If the export cannot go on, a last line
/// `{"error": {"code", "message"}}` says why.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/provenance/export",
    tag = "provenance",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    responses(
        (status = 200, description = "Lines", body = ImportLine, content_type = "application/x-ndjson"),
        NoSuchProjectOrBadInput,
        StoreTooSlow,
        CannotServe,
    )
)]
pub(crate) async fn export_project_provenance(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    _: Query<NoParameters>,
) -> Result<HttpResponse, ApiError> {
    let project = project_id.0;
    let transfer = Transfer::new(state.provenance.clone(), state.tasks.clone());
    let first = transfer.export(&project, None, false).await?;
    if first.lines.is_empty() {
        // Nothing was recorded; that is an answer only for a project that there is.
        catalogue::find_project(&state.tasks, &project).await.map_err(refusal)?;
    }
    let export = Export { transfer, project, after: first.next };
    Ok(ndjson::streamed(ndjson::to_bytes(first.lines), export, Export::next))
}

struct Export {
    transfer: Transfer,
    project: ProjectId,
    after: Option<ExportCursor>,
}

impl Export {
    async fn next(mut self) -> Result<Option<(actix_web::web::Bytes, Self)>, ApiError> {
        let Some(after) = self.after else { return Ok(None) };
        let page = self.transfer.export(&self.project, Some(after), true).await?;
        self.after = page.next;
        Ok(Some((ndjson::to_bytes(page.lines), self)))
    }
}

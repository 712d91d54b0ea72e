//! `POST /provenance/import`: records of the earlier system, line by line, of any number.

mod lines;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use protocol::ErrorCode;
use protocol::provenance_query::{ImportOutcome, ImportedLine};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use self::lines::{Batch, LineBatches};
use crate::http::AppState;
use crate::http::ndjson::{self, NDJSON};
use crate::http::openapi::answers::{BadImport, CannotServe};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::provenance::transfer::{Transfer, TransferError};

/// How to import.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Change nothing and tell what would become of each line
    #[param(value_type = Option<bool>, required = false)]
    dry_run: bool,
}

impl ReadQuery for ImportQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self { dry_run: parameters.parsed("dry_run").unwrap_or_default() })
    }
}

/// One line of an import.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportLine {
    /// `record`, `taint_event` or `checkpoint`.
    #[schema(example = "record")]
    kind: String,
    /// Name of the file that it comes from.
    #[schema(example = "00b7a724-5f5b-4776-b913-455937e0e321.json")]
    file: String,
    /// Of a checkpoint that does not tell its own id: its key in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = "03682cec-9c4e-4d0c-8d56-2b4fba1ae8ff")]
    key: Option<String>,
    /// The JSON as it was in the file: a whole record, or one element of the other two.
    #[schema(value_type = Object)]
    body: serde_json::Value,
}

/// What became of a line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportLineOutcome {
    /// The file; null if the line could not be read.
    file: Option<String>,
    /// The id in the file; null if it could not be read.
    id: Option<String>,
    /// `imported`, `unchanged`, `repaired` or `refused`.
    #[schema(value_type = String, example = "imported")]
    outcome: ImportOutcome,
    /// What was repaired, or why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    reason: Option<String>,
}

/// Imports records
///
/// The body is JSON by lines, of any length; a record, a taint event or a checkpoint each, records first. The answer
/// is JSON by lines as well and begins while the body is still being sent: read while you write. Each line is taken
/// whole or refused alone. Importing again changes nothing, so an import that broke off is simply begun anew; no answer
/// is kept, and an `Idempotency-Key` is ignored. If the import cannot go on, a last line
/// `{"error": {"code", "message"}}` says why.
#[utoipa::path(
    post,
    path = "/api/v1/provenance/import",
    tag = "provenance",
    params(ImportQuery),
    request_body(content = ImportLine, content_type = "application/x-ndjson", examples(
        ("record" = (summary = "One line: a record with its file's name", value = json!({
            "kind": "record",
            "file": "00b7a724-5f5b-4776-b913-455937e0e321.json",
            "body": {
                "id": "00b7a724-5f5b-4776-b913-455937e0e321",
                "task_id": "90a0aad5-a14e-4d71-8f67-4b812eb26aa7",
                "project_id": "docs-site",
                "outputs": [{ "artifact_id": "readme-7f3a", "type": "document", "location": "README.md" }],
                "inputs_consumed": [],
                "model_used": "gemma3:12b",
                "worker_id": "documentation",
                "verification": { "status": "passed", "verified_at": "2026-01-09T20:30:58.444000" }
            }
        }))),
        ("checkpoint" = (summary = "One line: a checkpoint that does not tell its own id", value = json!({
            "kind": "checkpoint",
            "file": "checkpoints.json",
            "key": "03682cec-9c4e-4d0c-8d56-2b4fba1ae8ff",
            "body": { "project_id": "docs-site", "created_at": "2026-01-09T20:30:58.444000" }
        }))),
    )),
    responses(
        (status = 200, description = "What became of each line, in their order", body = ImportLineOutcome,
            content_type = "application/x-ndjson"),
        BadImport,
        CannotServe,
    )
)]
pub(crate) async fn import_provenance(
    request: HttpRequest,
    state: Data<AppState>,
    query: Query<ImportQuery>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    check_content_type(&request)?;
    let mut import = Import {
        id: Uuid::now_v7(),
        batches: LineBatches::new(payload, state.max_import_line_bytes),
        transfer: Transfer::new(state.provenance.clone(), state.tasks.clone()),
        dry_run: query.0.dry_run,
    };
    // Until the first answer there can still be a status that tells what is wrong.
    let first = import.next(false).await?;
    let begun = first.is_some();
    Ok(ndjson::streamed(first.unwrap_or_default(), (import, begun), |(mut import, goes_on)| async move {
        if !goes_on {
            return Ok(None);
        }
        Ok(import.next(true).await?.map(|bytes| (bytes, (import, true))))
    }))
}

struct Import {
    id: Uuid,
    batches: LineBatches,
    transfer: Transfer,
    dry_run: bool,
}

impl Import {
    /// What became of the next batch; `None` at the end of the body.
    async fn next(&mut self, patiently: bool) -> Result<Option<Bytes>, ApiError> {
        let Some(batch) = self.batches.next().await? else { return Ok(None) };
        let outcomes = match batch {
            Batch::Lines { first_line, lines } => {
                self.transfer.import(self.id, first_line, &lines, self.dry_run, patiently).await?
            }
            Batch::Unreadable { line, file, reason } => {
                let reason = if file.is_some() { reason } else { format!("line {line}: {reason}") };
                let reason = Some(reason);
                vec![ImportedLine { file, id: None, outcome: ImportOutcome::Refused, reason }]
            }
        };
        let mut lines = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            lines.push(serde_json::to_string(&ImportLineOutcome::from(outcome)).map_err(ApiError::internal)?);
        }
        Ok(Some(ndjson::to_bytes(lines)))
    }
}

impl From<ImportedLine> for ImportLineOutcome {
    fn from(line: ImportedLine) -> Self {
        Self { file: line.file, id: line.id, outcome: line.outcome, reason: line.reason }
    }
}

impl From<TransferError> for ApiError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Provenance(error) => error.into(),
            TransferError::Store(error) => error.into(),
        }
    }
}

fn check_content_type(request: &HttpRequest) -> Result<(), ApiError> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let encoded = request
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if essence.eq_ignore_ascii_case(NDJSON) && !encoded {
        return Ok(());
    }
    let rule = format!("the Content-Type must be {NDJSON}, without a Content-Encoding");
    Err(ApiError::new(ErrorCode::UnsupportedMediaType, rule))
}

//! `GET /projects/{project_id}/provenance/verify`: whether a project's records are what was written.

use actix_web::web::{Data, Json};
use protocol::provenance_query::integrity::{ChainHead, Finding, FindingKind, VerifyPage, VerifyQuery};
use protocol::{ProjectId, ProvenanceId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::cursors::VerifyCursor;
use super::must_be_known;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectRecords};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};

/// Links or records in a portion when the client does not say.
const DEFAULT_PORTION: u32 = 1_000;
/// Most links or records in a portion.
const MOST_IN_PORTION: u32 = 2_000;

/// Verifies a project's records
///
/// Goes through the chain of everything that was written and through the records, a portion at a time: follow
/// `next_cursor` to the end. Finds what was altered, removed, put in or moved by other hands than the service's. Marks
/// are not part of the chain. Whoever notes `head` elsewhere can prove later that nothing before it was changed.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/provenance/verify",
    tag = "provenance",
    params(
        ("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
            pattern = "^[A-Za-z0-9._:-]+$"),
        VerifyParameters,
    ),
    responses(
        (status = 200, description = "What a portion showed", body = VerifyProvenanceResponse),
        NoSuchProjectRecords,
        CannotServe,
    )
)]
pub(crate) async fn verify_provenance(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    query: Query<VerifyParameters>,
) -> Result<Json<VerifyProvenanceResponse>, ApiError> {
    let project_id = project_id.0;
    let is_beginning = query.0.cursor.is_none();
    let query = VerifyQuery {
        project_id: project_id.clone(),
        limit: query.0.limit.unwrap_or(DEFAULT_PORTION),
        after: query.0.cursor.map(|cursor| cursor.0),
    };
    let page = state.provenance.verify_project(query).await?;
    if is_beginning && page.revisions == 0 {
        must_be_known(&state, &project_id).await?;
    }
    Ok(Json(VerifyProvenanceResponse::of(project_id, page)))
}

/// Which portion.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerifyParameters {
    /// Most links or records in the portion; 1000 when absent.
    #[param(minimum = 1, maximum = 2_000)]
    limit: Option<u32>,
    /// `next_cursor` of the portion before.
    #[param(value_type = Option<String>)]
    cursor: Option<VerifyCursor>,
}

impl ReadQuery for VerifyParameters {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            limit: parameters.integer("limit", 1..=MOST_IN_PORTION),
            cursor: parameters.parsed("cursor"),
        })
    }
}

/// What a portion showed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyProvenanceResponse {
    /// The project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Whether everything in this portion is what was written.
    intact: bool,
    /// Links that were looked at.
    revisions: u64,
    /// Records whose content was computed again.
    records: u64,
    /// What does not fit.
    findings: Vec<FindingView>,
    /// Where the chain ends; `null` until its end is reached.
    head: Option<ChainHeadView>,
    /// Where to go on; `null` at the end.
    next_cursor: Option<String>,
}

/// Something that does not fit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingView {
    /// What kind of misfit.
    #[schema(value_type = FindingKindWord)]
    kind: FindingKind,
    /// Position in the chain, where it is about a link.
    position: Option<u64>,
    /// The record, where it is known.
    #[schema(value_type = Option<Uuid>)]
    provenance_id: Option<ProvenanceId>,
    /// In words.
    detail: String,
}

/// What kind of misfit.
#[derive(ToSchema)]
#[schema(as = FindingKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "names a schema and has no values")]
enum FindingKindWord {
    /// A record, or an output of it, says something else than what was written.
    Altered,
    /// A record, or a link, that was written is not there.
    Removed,
    /// A link is not what its place says.
    Reordered,
    /// A record is there that nothing wrote.
    Added,
}

/// Where a chain ends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChainHead)]
struct ChainHeadView {
    /// Links in the chain.
    length: u64,
    /// Hash of the last, in hex.
    hash: String,
}

impl VerifyProvenanceResponse {
    fn of(project_id: ProjectId, page: VerifyPage) -> Self {
        Self {
            project_id,
            intact: page.findings.is_empty(),
            revisions: page.revisions,
            records: page.records,
            findings: page.findings.into_iter().map(Into::into).collect(),
            head: page.head.map(Into::into),
            next_cursor: page.next.map(|place| VerifyCursor(place).to_string()),
        }
    }
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self {
            kind: finding.kind,
            position: finding.position,
            provenance_id: finding.provenance_id,
            detail: finding.detail,
        }
    }
}

impl From<ChainHead> for ChainHeadView {
    fn from(head: ChainHead) -> Self {
        Self { length: head.length, hash: head.hash }
    }
}

//! `GET /projects/{project_id}/provenance/verify`: whether a project's records are what was written; and
//! `GET /unowned/provenance/verify`: the same of what belongs to no project.

use actix_web::web::{Data, Json};
use protocol::provenance_query::integrity::{ChainHead, Finding, FindingKind, VerifyPage, VerifyQuery};
use protocol::{ProjectId, ProvenanceId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::cursors::{VerifyCursor, is_hash};
use super::must_be_known;
use crate::http::AppState;
use crate::http::cursor::InvalidCursor;
use crate::http::openapi::answers::{BadProvenanceQuery, CannotServe, NoSuchProjectRecords};
use crate::http::path::PathId;
use crate::http::problem::{ApiError, FieldError};
use crate::http::query::{Parameters, Query, ReadQuery};

/// Links or records in a portion when the client does not say.
const DEFAULT_PORTION: u32 = 1_000;
/// Most links or records in a portion.
const MOST_IN_PORTION: u32 = 2_000;

/// Verifies a project's records
///
/// Goes through the chain of everything that was written and through the records, a portion at a time: follow
/// `next_cursor` to the end. Finds what was altered, removed, put in or moved by other hands than the service's: of
/// records, of the account of their marks, which the chain seals, of marks, edges and imported files. Whoever notes
/// `head` elsewhere can give it back later: `expect_length` and `expect_hash` then say that nothing before it was changed.
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
    let page = portion(&state, query.0.about(Some(project_id.clone()))).await?;
    // A finding is told whatever is known of the project otherwise.
    if is_beginning && !page.is_known && page.revisions == 0 && page.findings.is_empty() {
        must_be_known(&state, &project_id).await?;
    }
    Ok(Json(VerifyProvenanceResponse::of(Some(project_id), page)))
}

/// Verifies what belongs to no project
///
/// The same for records of which no project is known, and for marks on artifacts that nobody produced. They have a
/// chain of their own.
#[utoipa::path(
    get,
    path = "/api/v1/unowned/provenance/verify",
    tag = "provenance",
    params(VerifyParameters),
    responses(
        (status = 200, description = "What a portion showed", body = VerifyProvenanceResponse),
        BadProvenanceQuery,
        CannotServe,
    )
)]
pub(crate) async fn verify_unowned_provenance(
    state: Data<AppState>,
    query: Query<VerifyParameters>,
) -> Result<Json<VerifyProvenanceResponse>, ApiError> {
    let page = portion(&state, query.0.about(None)).await?;
    Ok(Json(VerifyProvenanceResponse::of(None, page)))
}

async fn portion(state: &AppState, query: VerifyQuery) -> Result<VerifyPage, ApiError> {
    let nowhere = || {
        let message = InvalidCursor.to_string();
        ApiError::invalid(vec![FieldError { field: "cursor".to_owned(), message }])
    };
    state.provenance.verify_project(query).await?.ok_or_else(nowhere)
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
    /// `length` of a `head` that was noted; together with `expect_hash`. Compared with the first portion.
    #[param(minimum = 1)]
    expect_length: Option<u64>,
    /// `hash` of that `head`.
    #[param(pattern = "^[0-9a-f]{64}$")]
    expect_hash: Option<String>,
}

impl ReadQuery for VerifyParameters {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        let (expect_length, expect_hash) = read_expected(parameters);
        Some(Self {
            limit: parameters.integer("limit", 1..=MOST_IN_PORTION),
            cursor: parameters.parsed("cursor"),
            expect_length,
            expect_hash,
        })
    }
}

/// Both parts of a noted end, or none.
fn read_expected(parameters: &mut Parameters) -> (Option<u64>, Option<String>) {
    let (length, hash) =
        (parameters.parsed::<String>("expect_length"), parameters.parsed::<String>("expect_hash"));
    match (length, hash) {
        (None, None) => (None, None),
        (Some(_), None) => (None, parameters.refuse("expect_hash", "must be given with expect_length")),
        (None, Some(_)) => (parameters.refuse("expect_length", "must be given with expect_hash"), None),
        (Some(length), Some(hash)) => {
            let length = length.parse().ok().filter(|length| (1..=i64::MAX.cast_unsigned()).contains(length));
            let length = length.or_else(|| {
                parameters.refuse("expect_length", &format!("must be an integer from 1 to {}", i64::MAX))
            });
            let hash = Some(hash).filter(|hash| is_hash(hash));
            (length, hash.or_else(|| parameters.refuse("expect_hash", "must be 64 digits of lower-case hex")))
        }
    }
}

impl VerifyParameters {
    fn about(self, project_id: Option<ProjectId>) -> VerifyQuery {
        VerifyQuery {
            project_id,
            limit: self.limit.unwrap_or(DEFAULT_PORTION),
            after: self.cursor.map(|cursor| cursor.0),
            expected: self
                .expect_length
                .zip(self.expect_hash)
                .map(|(length, hash)| ChainHead { length, hash }),
        }
    }
}

/// What a portion showed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyProvenanceResponse {
    /// The project; `null` for what belongs to none.
    #[schema(value_type = Option<String>)]
    project_id: Option<ProjectId>,
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
    /// A record, its marks, an edge or a file that was kept says something else than what was written.
    Altered,
    /// A record, or a link, that was written is not there.
    Removed,
    /// A link is not what its place says.
    Reordered,
    /// A record or a mark is there that nothing wrote.
    Added,
}

/// Where a chain ends. Noted elsewhere, it can be compared later.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChainHead)]
struct ChainHeadView {
    /// Links in the chain.
    length: u64,
    /// Hash of the last, in hex.
    hash: String,
}

impl VerifyProvenanceResponse {
    fn of(project_id: Option<ProjectId>, page: VerifyPage) -> Self {
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

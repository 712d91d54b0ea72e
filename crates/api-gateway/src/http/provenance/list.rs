//! `GET /provenance`: records by filter, newest first, in pages that stay stable while records come in.

use actix_web::web::{Data, Json};
use protocol::provenance_query::records::{ListRecordsQuery, RecordFilter};
use protocol::vocabulary::VerificationStatus;
use protocol::{ProjectId, TaskId, Timestamp};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::cursors::RecordCursor;
use super::get::view::ProvenanceRecordResponse;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::openapi::answers::{BadProvenanceQuery, CannotServe};
use crate::http::openapi::vocabulary::VerificationStatusWord;
use crate::http::page::{DEFAULT_LIMIT, MOST_PER_PAGE};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};

/// Most characters of a model's name.
const MOST_MODEL_CHARS: usize = 1_000;

/// Lists provenance records
///
/// Newest first; `next_cursor` neither skips nor repeats a record when others are written meanwhile.
#[utoipa::path(
    get,
    path = "/api/v1/provenance",
    tag = "provenance",
    params(ListProvenanceQuery),
    responses(
        (status = 200, description = "A page of records", body = ListProvenanceResponse),
        BadProvenanceQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_provenance(
    state: Data<AppState>,
    caller: Caller,
    query: Query<ListProvenanceQuery>,
) -> Result<Json<ListProvenanceResponse>, ApiError> {
    let mut query: ListRecordsQuery = query.0.into();
    query.filter.projects = caller.projects().map(<[ProjectId]>::to_vec);
    let limit = query.limit;
    let page = state.provenance.list_records(query).await?;
    Ok(Json(ListProvenanceResponse {
        records: page.records.into_iter().map(Into::into).collect(),
        limit,
        next_cursor: page.next.map(|place| RecordCursor(place).to_string()),
    }))
}

/// Which records.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListProvenanceQuery {
    /// Records of this project.
    #[param(value_type = Option<String>)]
    project_id: Option<ProjectId>,
    /// Records of this task.
    #[param(value_type = Option<Uuid>)]
    task_id: Option<TaskId>,
    /// Records in this state of verification.
    #[param(value_type = Option<VerificationStatusWord>)]
    status: Option<VerificationStatus>,
    /// Records that were found wrong, or were not.
    tainted: Option<bool>,
    /// Records that are built on something found wrong, or are not.
    suspect: Option<bool>,
    /// Records of work with this model.
    #[param(min_length = 1, max_length = 1_000)]
    model_used: Option<String>,
    /// Records written after this time.
    #[param(value_type = Option<DateTime>)]
    created_after: Option<Timestamp>,
    /// Records written before this time.
    #[param(value_type = Option<DateTime>)]
    created_before: Option<Timestamp>,
    /// Most records in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<RecordCursor>,
}

impl ReadQuery for ListProvenanceQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            project_id: parameters.parsed("project_id"),
            task_id: parameters.uuid("task_id"),
            status: parameters.parsed("status"),
            tainted: parameters.parsed("tainted"),
            suspect: parameters.parsed("suspect"),
            model_used: parameters.text("model_used", 1..=MOST_MODEL_CHARS),
            created_after: parameters.time("created_after"),
            created_before: parameters.time("created_before"),
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            cursor: parameters.parsed("cursor"),
        })
    }
}

impl From<ListProvenanceQuery> for ListRecordsQuery {
    fn from(query: ListProvenanceQuery) -> Self {
        Self {
            filter: RecordFilter {
                project_id: query.project_id,
                projects: None,
                task_id: query.task_id,
                status: query.status,
                tainted: query.tainted,
                suspect: query.suspect,
                model_used: query.model_used,
                created_after: query.created_after,
                created_before: query.created_before,
            },
            limit: query.limit.unwrap_or(DEFAULT_LIMIT),
            after: query.cursor.map(|cursor| cursor.0),
        }
    }
}

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListProvenanceResponse {
    /// Newest first.
    records: Vec<ProvenanceRecordResponse>,
    /// Most records in a page.
    limit: u32,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

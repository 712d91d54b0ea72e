//! `GET /audit`: who changed what over REST, newest first.

use actix_web::web::{Data, Json};
use protocol::{Timestamp, TraceId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::cursor::AuditCursor;
use super::openapi::answers::{BadQuery, CannotServe};
use super::page::{DEFAULT_LIMIT, MOST_PER_PAGE};
use super::problem::ApiError;
use super::query::{Parameters, Query, ReadQuery};
use crate::audit::{AuditFilter, RecordedEntry};

/// Shows the audit log
///
/// Every call that may change something, also those that were refused. Nothing is recorded where `auth.audit` is off.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "access",
    params(ListAuditQuery),
    responses(
        (status = 200, description = "A page of entries", body = ListAuditResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_audit(
    state: Data<AppState>,
    query: Query<ListAuditQuery>,
) -> Result<Json<ListAuditResponse>, ApiError> {
    let ListAuditQuery { caller, created_after, created_before, limit, cursor } = query.0;
    let below = cursor.map(|AuditCursor(sequence)| sequence);
    let filter = AuditFilter { caller, after: created_after, before: created_before, below };
    let page = state.access.audit.list(&filter, limit.unwrap_or(DEFAULT_LIMIT)).await?;
    Ok(Json(ListAuditResponse {
        entries: page.entries.into_iter().map(Into::into).collect(),
        next_cursor: page.next.map(|sequence| AuditCursor(sequence).to_string()),
    }))
}

/// Which entries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAuditQuery {
    /// Calls of this caller: a key's id, or `anonymous`.
    #[param(min_length = 1, max_length = 255)]
    caller: Option<String>,
    /// Calls after this time.
    #[param(value_type = Option<DateTime>)]
    created_after: Option<Timestamp>,
    /// Calls before this time.
    #[param(value_type = Option<DateTime>)]
    created_before: Option<Timestamp>,
    /// Most entries in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<AuditCursor>,
}

impl ReadQuery for ListAuditQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            caller: parameters.text("caller", 1..=255),
            created_after: parameters.time("created_after"),
            created_before: parameters.time("created_before"),
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            cursor: parameters.parsed("cursor"),
        })
    }
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListAuditResponse {
    /// Newest first.
    entries: Vec<AuditEntryView>,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

/// One call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct AuditEntryView {
    /// Grows with every entry.
    sequence: u64,
    /// When it came in.
    #[schema(value_type = DateTime)]
    at: Timestamp,
    /// Id of the caller's key, or `anonymous`.
    caller: String,
    /// What people call the caller.
    caller_name: String,
    /// From which address.
    peer: Option<String>,
    /// HTTP method.
    method: String,
    /// Without the query.
    path: String,
    /// HTTP status of the answer; 0 when there was none in time.
    status: u16,
    /// Where what was made is, if the answer says.
    location: Option<String>,
    /// The trace.
    #[schema(value_type = Uuid)]
    trace_id: TraceId,
    /// What the client calls the request.
    request_id: String,
}

impl From<RecordedEntry> for AuditEntryView {
    fn from(recorded: RecordedEntry) -> Self {
        let RecordedEntry { sequence, entry } = recorded;
        Self {
            sequence,
            at: entry.at,
            caller: entry.caller,
            caller_name: entry.caller_name,
            peer: entry.peer,
            method: entry.method,
            path: entry.path,
            status: entry.status,
            location: entry.location,
            trace_id: entry.trace_id,
            request_id: entry.request_id,
        }
    }
}

//! `GET /tasks/{task_id}/history`: every event that touched a task, oldest first, applied or ignored.

use actix_web::web::{Data, Json};
use protocol::vocabulary::Phase;
use protocol::{TaskId, Timestamp, TraceId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::no_such_task;
use crate::http::AppState;
use crate::http::cursor::HistoryCursor;
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrBadInput};
use crate::http::openapi::vocabulary::PhaseWord;
use crate::http::page::{DEFAULT_LIMIT, MOST_PER_PAGE};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::tasks::queries::{self, HistoryEntry, HistoryPage};

/// Shows every event that touched a task
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{task_id}/history",
    tag = "tasks",
    params(("task_id" = Uuid, Path, description = "The task"), GetTaskHistoryQuery),
    responses(
        (status = 200, description = "The events, oldest first", body = TaskHistoryResponse),
        NoSuchTaskOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn get_task_history(
    state: Data<AppState>,
    task_id: PathId<TaskId>,
    query: Query<GetTaskHistoryQuery>,
) -> Result<Json<TaskHistoryResponse>, ApiError> {
    let (task_id, query) = (task_id.0, query.0);
    let after = query.cursor.map(|cursor| cursor.0);
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let page = queries::list_history(&state.tasks, task_id, after, limit).await?;
    Ok(Json(TaskHistoryResponse::of(task_id, page.ok_or_else(|| no_such_task(task_id))?)))
}

/// Which part of a history.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetTaskHistoryQuery {
    /// Most events in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<HistoryCursor>,
}

impl ReadQuery for GetTaskHistoryQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            cursor: parameters.parsed("cursor"),
        })
    }
}

/// Events that touched a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
    "events": [
        { "sequence": 8121, "at": "2024-07-27T09:59:24.928412Z", "event": "task.submitted",
            "from_phase": "submitted", "to_phase": "routing", "attempt": 1, "outcome": "applied", "reason": null,
            "source": "/orchestration/api-gateway", "trace_id": "7d1f0c52-3b9e-4f7a-9a41-5c8e2b60d913" },
        { "sequence": 8122, "at": "2024-07-27T09:59:25.061530Z", "event": "task.ready",
            "from_phase": "routing", "to_phase": "ready", "attempt": 1, "outcome": "applied", "reason": null,
            "source": "/orchestration/routing-engine", "trace_id": "7d1f0c52-3b9e-4f7a-9a41-5c8e2b60d913" },
        { "sequence": 8125, "at": "2024-07-27T09:59:25.310207Z", "event": "task.started",
            "from_phase": "ready", "to_phase": "executing", "attempt": 1, "outcome": "applied", "reason": null,
            "source": "/workers/small-1", "trace_id": "7d1f0c52-3b9e-4f7a-9a41-5c8e2b60d913" },
        { "sequence": 8140, "at": "2024-07-27T09:59:54.790821Z", "event": "task.output.created",
            "from_phase": "executing", "to_phase": "validating", "attempt": 1, "outcome": "applied", "reason": null,
            "source": "/workers/small-1", "trace_id": "7d1f0c52-3b9e-4f7a-9a41-5c8e2b60d913" },
        { "sequence": 8143, "at": "2024-07-27T09:59:58.704113Z", "event": "task.validated",
            "from_phase": "validating", "to_phase": "done", "attempt": 1, "outcome": "applied", "reason": null,
            "source": "/qa", "trace_id": "7d1f0c52-3b9e-4f7a-9a41-5c8e2b60d913" }
    ],
    "next_cursor": null
}))]
pub(crate) struct TaskHistoryResponse {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Oldest first.
    events: Vec<HistoryEventView>,
    /// Where the history goes on; `null` at its end.
    next_cursor: Option<String>,
}

impl TaskHistoryResponse {
    fn of(task_id: TaskId, page: HistoryPage) -> Self {
        Self {
            task_id,
            events: page.entries.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(|sequence| HistoryCursor(sequence).to_string()),
        }
    }
}

/// One event and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryEventView {
    /// Its place in the task's history, rising.
    sequence: u64,
    /// When.
    #[schema(value_type = DateTime)]
    at: Timestamp,
    /// Its name.
    #[schema(example = "task.output.created")]
    event: String,
    /// The phase before.
    #[schema(value_type = PhaseWord)]
    from_phase: Phase,
    /// The phase after.
    #[schema(value_type = PhaseWord)]
    to_phase: Phase,
    /// The attempt it was about.
    attempt: u32,
    /// Whether it changed the task.
    outcome: HistoryOutcome,
    /// Why it was ignored, or what it said.
    reason: Option<String>,
    /// Who sent it.
    #[schema(example = "/orchestration/routing-engine")]
    source: String,
    /// Its trace.
    #[schema(value_type = Option<Uuid>)]
    trace_id: Option<TraceId>,
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HistoryOutcome {
    /// It changed the task.
    Applied,
    /// It came too late, twice, or for another attempt.
    Ignored,
}

impl From<HistoryEntry> for HistoryEventView {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            sequence: entry.sequence,
            at: entry.at,
            event: entry.event,
            from_phase: entry.from_phase,
            to_phase: entry.to_phase,
            attempt: entry.attempt,
            outcome: if entry.applied { HistoryOutcome::Applied } else { HistoryOutcome::Ignored },
            reason: entry.reason,
            source: entry.source,
            trace_id: entry.trace_id,
        }
    }
}

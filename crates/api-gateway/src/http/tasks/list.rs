//! `GET /tasks`: tasks by filter, newest first, in pages that stay stable while tasks come in.

mod query;

use actix_web::web::{Data, Json};
use protocol::vocabulary::{Domain, Phase, Priority, TaskStatus, Tier, WorkMode};
use protocol::{ProjectId, TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use self::query::ListTasksQuery;
use super::view::WaitingView;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::cursor::TaskCursor;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::openapi::vocabulary::{PhaseWord, PriorityWord, TaskStatusWord};
use crate::http::page::{PageParameters, PageQuery, PageStart};
use crate::http::problem::ApiError;
use crate::http::query::Query;
use crate::tasks::queries::{self, TaskPage, TaskSummary};

/// Most characters of a description in a list.
const DESCRIPTION_CHARS: usize = 200;

/// Lists tasks
///
/// Newest first. `offset` is for people who leaf through; programs follow `next_cursor`, which neither skips nor
/// repeats a task when others are submitted meanwhile.
#[utoipa::path(
    get,
    path = "/api/v1/tasks",
    tag = "tasks",
    params(ListTasksQuery, PageParameters),
    responses(
        (status = 200, description = "A page of tasks", body = ListTasksResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_tasks(
    state: Data<AppState>,
    query: Query<ListTasksQuery>,
    caller: Caller,
) -> Result<Json<ListTasksResponse>, ApiError> {
    let page_query = query.0.page;
    let (filter, request) = query.0.into_filter(&caller);
    let page = queries::list_tasks(&state.tasks, &filter, &request).await?;
    Ok(Json(ListTasksResponse::of(page_query, page)))
}

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "tasks": [{
        "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
        "project_id": "docs-site",
        "description": "Translate the README into German",
        "status": "running",
        "phase": "executing",
        "mode": "documentation",
        "tier": "small",
        "waiting_for": null,
        "domain": "documentation",
        "priority": "high",
        "created_at": "2024-07-27T09:59:24.928412Z",
        "updated_at": "2024-07-27T09:59:37.050166Z"
    }],
    "total": 2,
    "total_is_estimate": false,
    "limit": 1,
    "offset": 0,
    "next_cursor": "0100061e37aecc619c0190f3a17c007e108a572f6d0f4f1a01d3bd4f43"
}))]
pub(crate) struct ListTasksResponse {
    /// Newest first.
    tasks: Vec<TaskSummaryView>,
    /// Tasks that the filter finds, in all pages.
    total: u64,
    /// Whether there are more than `total` says, because counting stopped there.
    total_is_estimate: bool,
    /// Most tasks in a page.
    limit: u32,
    /// Where this page began; `null` after a cursor.
    offset: Option<u32>,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

impl ListTasksResponse {
    fn of(query: PageQuery<TaskCursor>, page: TaskPage) -> Self {
        Self {
            tasks: page.tasks.into_iter().map(Into::into).collect(),
            total: page.total,
            total_is_estimate: page.total_is_estimate,
            limit: query.limit,
            offset: match query.start {
                PageStart::Offset(offset) => Some(offset),
                PageStart::Cursor(_) => None,
            },
            next_cursor: page.next.map(|key| TaskCursor(key).to_string()),
        }
    }
}

/// A task in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskSummaryView {
    /// Its id.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Its project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// What is to be done, cut after 200 characters.
    description: String,
    /// Where it is.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Where inside the status.
    #[schema(value_type = PhaseWord)]
    phase: Phase,
    /// What it does to its project.
    #[schema(value_type = Option<String>)]
    mode: Option<WorkMode>,
    /// Which models do it.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// Why it does not go on at the moment.
    waiting_for: Option<WaitingView>,
    /// What knowledge it needs.
    #[schema(value_type = Option<String>)]
    domain: Option<Domain>,
    /// How urgent.
    #[schema(value_type = PriorityWord)]
    priority: Priority,
    /// When it was submitted.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = DateTime)]
    updated_at: Timestamp,
}

impl From<TaskSummary> for TaskSummaryView {
    fn from(task: TaskSummary) -> Self {
        Self {
            task_id: task.task_id,
            project_id: task.project_id,
            description: task.description.chars().take(DESCRIPTION_CHARS).collect(),
            status: task.status,
            phase: task.phase,
            mode: task.work_mode,
            tier: task.tier,
            waiting_for: task.waiting.map(Into::into),
            domain: task.domain,
            priority: task.priority,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

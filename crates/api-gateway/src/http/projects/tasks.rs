//! `GET /projects/{project_id}/tasks`: a project's tasks, by page number or by offset.

use actix_web::web::{Data, Json};
use protocol::vocabulary::{ExecutionMode, TaskStatus};
use protocol::{ProjectId, TaskId, Timestamp};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::no_such_project;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadInput};
use crate::http::openapi::vocabulary::{ExecutionModeWord, TaskStatusWord};
use crate::http::page::{DEFAULT_LIMIT, FURTHEST_OFFSET, MOST_PER_PAGE};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::tasks::queries::{self, ProjectTask};

/// Lists a project's tasks
///
/// Newest first. Pages are counted from 1; `limit` and `offset` do the same for those who prefer them.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/tasks",
    tag = "projects",
    params(
        ("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
            pattern = "^[A-Za-z0-9._:-]+$"),
        PageNumberParameters,
    ),
    responses(
        (status = 200, description = "A page of tasks", body = ListProjectTasksResponse),
        NoSuchProjectOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn list_project_tasks(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    query: Query<PageNumber>,
) -> Result<Json<ListProjectTasksResponse>, ApiError> {
    let page = query.0;
    let found = queries::list_project_tasks(&state.tasks, &project_id.0, page.size, page.offset).await?;
    let found = found.ok_or_else(|| no_such_project(&project_id.0))?;
    Ok(Json(ListProjectTasksResponse {
        tasks: found.tasks.into_iter().map(Into::into).collect(),
        total: found.total,
        page: page.offset / page.size + 1,
        page_size: page.size,
    }))
}

/// Which page; either the first two or the last two.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names parameters and has no values")]
pub(crate) struct PageNumberParameters {
    /// The page, counted from 1.
    #[param(minimum = 1, maximum = 10_001)]
    page: Option<u32>,
    /// Most tasks on it; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    page_size: Option<u32>,
    /// The same as `page_size`.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Tasks to leave out at the beginning.
    #[param(minimum = 0, maximum = 10_000)]
    offset: Option<u32>,
}

/// A page as it was asked for, in whichever way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageNumber {
    size: u32,
    offset: u32,
}

impl ReadQuery for PageNumber {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        let page = parameters.integer("page", 1..=FURTHEST_OFFSET + 1);
        let page_size = parameters.integer("page_size", 1..=MOST_PER_PAGE);
        let limit = parameters.integer("limit", 1..=MOST_PER_PAGE);
        let offset = parameters.integer("offset", 0..=FURTHEST_OFFSET);
        if page_size.is_some() && limit.is_some() {
            parameters.refuse::<()>("limit", "must not be given together with page_size");
        }
        if page.is_some() && offset.is_some() {
            parameters.refuse::<()>("offset", "must not be given together with page");
        }
        let size = page_size.or(limit).unwrap_or(DEFAULT_LIMIT);
        let offset = page.map_or(offset.unwrap_or(0), |page| (page - 1).saturating_mul(size));
        if offset > FURTHEST_OFFSET {
            return parameters.refuse("page", &format!("must not begin after task {FURTHEST_OFFSET}"));
        }
        Some(Self { size, offset })
    }
}

/// A page of a project's tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "tasks": [{
        "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
        "status": "running",
        "mode": "autonomous",
        "description": "Translate the README into German",
        "created_at": "2024-07-27T09:59:24.928412Z"
    }],
    "total": 2,
    "page": 1,
    "page_size": 1
}))]
pub(crate) struct ListProjectTasksResponse {
    /// Newest first.
    tasks: Vec<ProjectTaskView>,
    /// All tasks of the project.
    total: u64,
    /// The page, counted from 1.
    page: u32,
    /// Most tasks on it.
    page_size: u32,
}

/// A task in its project's list. Nothing in it is ever `null`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProjectTask)]
struct ProjectTaskView {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Where it is.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Whether people take part.
    #[schema(value_type = ExecutionModeWord)]
    mode: ExecutionMode,
    /// The first 200 characters of what is to be done.
    description: String,
    /// When it was taken in.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
}

impl From<ProjectTask> for ProjectTaskView {
    fn from(task: ProjectTask) -> Self {
        Self {
            task_id: task.task_id,
            status: task.status,
            mode: task.execution_mode,
            description: task.description,
            created_at: task.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::query::read_query;
    use crate::http::words::ConfiguredWords;

    fn read(query: &str) -> Result<(u32, u32), Vec<String>> {
        read_query::<PageNumber>(query, ConfiguredWords::default())
            .map(|page| (page.size, page.offset))
            .map_err(|error| error.fields())
    }

    #[test]
    fn pages_are_read_either_way() {
        for (query, expected) in [
            ("", (50, 0)),
            ("page=1", (50, 0)),
            ("page=3&page_size=20", (20, 40)),
            ("limit=7&offset=5", (7, 5)),
            ("page=101&page_size=100", (100, 10_000)),
        ] {
            assert_eq!(read(query).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn bad_pages_are_named() {
        for (query, fields) in [
            ("page=0", vec!["page"]),
            ("page=x&page_size=201", vec!["page", "page_size"]),
            ("page=102&page_size=100", vec!["page"]),
            ("page=1&offset=0", vec!["offset"]),
            ("page_size=5&limit=5", vec!["limit"]),
            ("cursor=abc", vec!["cursor"]),
        ] {
            assert_eq!(read(query).unwrap_err(), fields, "{query}");
        }
    }
}

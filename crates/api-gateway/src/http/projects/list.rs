//! `GET /projects`: all projects, newest first.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::ProjectView;
use crate::access::Caller;
use crate::http::AppState;
use crate::http::cursor::ProjectCursor;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::page::{PageParameters, PageQuery, PageStart};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::projects::catalogue::{self, ProjectsFrom};

/// Lists projects
///
/// Newest first. Programs follow `next_cursor`, which neither skips nor repeats a project when others are made
/// meanwhile.
#[utoipa::path(
    get,
    path = "/api/v1/projects",
    tag = "projects",
    params(PageParameters),
    responses(
        (status = 200, description = "A page of projects", body = ListProjectsResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_projects(
    state: Data<AppState>,
    query: Query<ListProjectsQuery>,
    caller: Caller,
) -> Result<Json<ListProjectsResponse>, ApiError> {
    let PageQuery { limit, start } = query.0.0;
    let (offset, from) = match start {
        PageStart::Offset(offset) => (Some(offset), ProjectsFrom::Offset(offset)),
        PageStart::Cursor(ProjectCursor(key)) => (None, ProjectsFrom::After(key)),
    };
    let page = catalogue::list_projects(&state.tasks, caller.projects(), limit, &from).await?;
    let projects = page.projects.into_iter().map(|project| ProjectView::from(project).in_list()).collect();
    let next_cursor = page.next.map(|key| ProjectCursor(key).to_string());
    Ok(Json(ListProjectsResponse { projects, total: page.total, limit, offset, next_cursor }))
}

/// Which page.
#[derive(Debug)]
pub(crate) struct ListProjectsQuery(PageQuery<ProjectCursor>);

impl ReadQuery for ListProjectsQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self(PageQuery::read(parameters)))
    }
}

/// A page of projects.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "projects": [{
        "id": "docs-site",
        "name": "Docs Site",
        "description": "Everything that users read",
        "config": { "qa_profile": "documentation", "default_mode": "autonomous", "max_concurrent": 4,
            "escalate_tier": false },
        "repo_url": "https://git.example.org/docs.git",
        "created_at": "2024-07-26T14:05:41.300125Z",
        "updated_at": "2024-07-26T14:20:08.911702Z",
        "task_count": 2
    }],
    "total": 1,
    "limit": 50,
    "offset": 0,
    "next_cursor": null
}))]
pub(crate) struct ListProjectsResponse {
    /// Newest first.
    projects: Vec<ProjectView>,
    /// All projects, on all pages.
    total: u64,
    /// Most projects in a page.
    limit: u32,
    /// Where this page began; `null` after a cursor.
    offset: Option<u32>,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

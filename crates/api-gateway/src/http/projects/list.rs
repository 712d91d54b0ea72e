//! `GET /projects`: all projects, newest first.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::view::ProjectView;
use crate::http::AppState;
use crate::http::openapi::answers::{BadQuery, CannotServe};
use crate::http::page::{DEFAULT_LIMIT, FURTHEST_OFFSET, MOST_PER_PAGE};
use crate::http::problem::ApiError;
use crate::http::query::{Parameters, Query, ReadQuery};
use crate::projects::catalogue;

/// Lists projects
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/projects",
    tag = "projects",
    params(ListProjectsQuery),
    responses(
        (status = 200, description = "A page of projects", body = ListProjectsResponse),
        BadQuery,
        CannotServe,
    )
)]
pub(crate) async fn list_projects(
    state: Data<AppState>,
    query: Query<ListProjectsQuery>,
) -> Result<Json<ListProjectsResponse>, ApiError> {
    let limit = query.0.limit.unwrap_or(DEFAULT_LIMIT);
    let offset = query.0.offset.unwrap_or(0);
    let page = catalogue::list_projects(&state.tasks, limit, offset).await?;
    let projects = page.projects.into_iter().map(|project| ProjectView::from(project).in_list()).collect();
    Ok(Json(ListProjectsResponse { projects, total: page.total, limit, offset }))
}

/// Which projects.
#[derive(Debug, PartialEq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListProjectsQuery {
    /// Most projects in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Projects to leave out at the beginning.
    #[param(minimum = 0, maximum = 10_000)]
    offset: Option<u32>,
}

impl ReadQuery for ListProjectsQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            offset: parameters.integer("offset", 0..=FURTHEST_OFFSET),
        })
    }
}

/// A page of projects.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListProjectsResponse {
    /// Newest first.
    projects: Vec<ProjectView>,
    /// All projects, on all pages.
    total: u64,
    /// Most projects in a page.
    limit: u32,
    /// Where this page began.
    offset: u32,
}

//! `GET /tasks/{task_id}`: a task in full, or 304 when the client has it already.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use protocol::TaskId;

use super::no_such_task;
use super::view::TaskResponse;
use crate::http::AppState;
use crate::http::etag::EntityTag;
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrBadInput};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};

/// Shows a task
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{task_id}",
    tag = "tasks",
    params(
        ("task_id" = Uuid, Path, description = "The task"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The task", body = TaskResponse,
            headers(("ETag" = String, description = "Changes with every change of the task"))),
        (status = 304, description = "The task has not changed since that answer"),
        NoSuchTaskOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn get_task(
    request: HttpRequest,
    state: Data<AppState>,
    task_id: PathId<TaskId>,
    _: Query<NoParameters>,
) -> Result<HttpResponse, ApiError> {
    let task_id = task_id.0;
    let task = state.reader.find(task_id).await?;
    let task = task.ok_or_else(|| no_such_task(task_id))?;
    let detail = task.waiting.as_ref().and_then(|waiting| waiting.detail.as_deref());
    let tag = EntityTag::of(task_id, task.sequence).with(detail);
    let mut answer = if tag.is_known_to(&request) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((header::ETAG, tag.to_string()));
    answer.insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if tag.is_known_to(&request) {
        return Ok(answer.finish());
    }
    let estimated_completion = state.tasks.estimate_completion(&task);
    Ok(answer.json(TaskResponse::of(task, estimated_completion)))
}

//! `GET /tasks/{task_id}/tree`: a task and everything that was split from it.

use actix_web::web::{Data, Json};
use protocol::TaskId;
use protocol::vocabulary::{TaskStatus, Tier};
use serde::Serialize;
use utoipa::ToSchema;

use super::no_such_task;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchTaskOrBadInput};
use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::tasks::queries::{self, TaskTree};

/// Shows what a task was split into
///
/// Subtasks of every attempt are there, oldest first. Of a tree with more than 10000 tasks, the deepest are left out.
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{task_id}/tree",
    tag = "tasks",
    params(("task_id" = Uuid, Path, description = "The task at the root")),
    responses(
        (status = 200, description = "The task and all below it", body = TaskTreeResponse),
        NoSuchTaskOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn get_task_tree(
    state: Data<AppState>,
    task_id: PathId<TaskId>,
    _: Query<NoParameters>,
) -> Result<Json<TaskTreeResponse>, ApiError> {
    let tree = queries::find_task_tree(&state.tasks, task_id.0).await?;
    let root = tree.ok_or_else(|| no_such_task(task_id.0))?.into();
    Ok(Json(TaskTreeResponse { root }))
}

/// A tree of tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "root": {
        "task_id": "0190f3a1-8000-7e10-8a57-2f6d0f4f1a02",
        "description": "Translate the README into German and French",
        "status": "running",
        "tier": null,
        "children": [
            { "task_id": "0190f3a1-8a00-7e10-8a57-2f6d0f4f1a03", "status": "completed", "tier": "small",
                "description": "Translate the README into German", "children": [] },
            { "task_id": "0190f3a1-8a00-7e10-8a57-2f6d0f4f1a04", "status": "running", "tier": "small",
                "description": "Translate the README into French", "children": [] }
        ]
    }
}))]
pub(crate) struct TaskTreeResponse {
    /// The task that was asked for.
    root: TaskTreeNode,
}

/// A task in a tree.
#[derive(Debug, Serialize, ToSchema)]
struct TaskTreeNode {
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// The first 200 characters of what is to be done.
    description: String,
    /// Where it is.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Its tier; `null` before it is routed.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// What it was split into, oldest first.
    #[schema(no_recursion)]
    children: Vec<Self>,
}

impl From<TaskTree> for TaskTreeNode {
    fn from(tree: TaskTree) -> Self {
        Self {
            task_id: tree.task_id,
            description: tree.description,
            status: tree.status,
            tier: tree.tier,
            children: tree.children.into_iter().map(Self::from).collect(),
        }
    }
}

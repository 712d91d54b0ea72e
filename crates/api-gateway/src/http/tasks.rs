//! `/tasks`: one file per endpoint. `view` is the task as clients see it, shared by those that show one.

pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod release;
pub(crate) mod retry;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod tree;
pub(crate) mod view;

use protocol::{ErrorCode, TaskId};

use super::problem::ApiError;

/// No task has that id.
pub(crate) fn no_such_task(task_id: TaskId) -> ApiError {
    ApiError::new(ErrorCode::TaskNotFound, format!("there is no task {task_id}"))
}

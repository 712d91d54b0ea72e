//! `/projects`: one file per endpoint. `view` is the project as clients see it, `request` what several endpoints
//! read of it.

pub(crate) mod constitution;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
mod request;
pub(crate) mod status;
pub(crate) mod tasks;
pub(crate) mod update;
mod view;

use protocol::{ErrorCode, ProjectId};

use super::AppState;
use super::problem::ApiError;
use crate::projects::catalogue::{self, ProjectError};

/// No project has that id.
pub(crate) fn no_such_project(project_id: &ProjectId) -> ApiError {
    ApiError::new(ErrorCode::ProjectNotFound, format!("there is no project {project_id}"))
}

/// Whether the gateway has a project of that id. The provenance-store may have records of it all the same.
pub(crate) async fn is_known(state: &AppState, project_id: &ProjectId) -> Result<bool, ApiError> {
    match catalogue::find_project(&state.tasks, project_id).await {
        Ok(_) => Ok(true),
        Err(ProjectError::NotFound(_)) => Ok(false),
        Err(error) => Err(refusal(error)),
    }
}

/// What a client learns of a use case that was refused.
pub(crate) fn refusal(error: ProjectError) -> ApiError {
    match error {
        ProjectError::NotFound(id) => no_such_project(&id),
        ProjectError::Exists(id) => {
            ApiError::new(ErrorCode::ProjectExists, format!("there is a project {id} already"))
        }
        ProjectError::NotEmpty(id) => {
            ApiError::new(ErrorCode::ProjectNotEmpty, format!("project {id} has tasks"))
        }
        ProjectError::Default => {
            ApiError::new(ErrorCode::CannotDeleteDefault, "the default project cannot be deleted")
        }
        ProjectError::Store(error) => error.into(),
    }
}

//! `/provenance` and the records of a project: one file per endpoint.

pub(crate) mod clear;
mod cursors;
pub(crate) mod dependencies;
pub(crate) mod dependents;
pub(crate) mod export_artifact;
pub(crate) mod export_project;
pub(crate) mod get;
pub(crate) mod impact;
pub(crate) mod import;
pub(crate) mod lineage;
pub(crate) mod list;
mod reached;
pub(crate) mod root_cause;
mod spend;
pub(crate) mod summary;
pub(crate) mod taint;
pub(crate) mod verify;

pub(crate) use spend::SpendView;

use protocol::{ErrorCode, ProjectId};

use super::problem::ApiError;
use super::{AppState, projects};

/// Neither an artifact nor a record has that id.
fn no_such_artifact() -> ApiError {
    ApiError::new(ErrorCode::ArtifactNotFound, "there is no artifact, record or task of that id")
}

/// Refuses a project of which nothing was found and which the gateway does not know either. Records of work from
/// outside may be of projects that only the provenance-store knows.
async fn must_be_known(state: &AppState, project_id: &ProjectId) -> Result<(), ApiError> {
    if projects::is_known(state, project_id).await? {
        Ok(())
    } else {
        Err(projects::no_such_project(project_id))
    }
}

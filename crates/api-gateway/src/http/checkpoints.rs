//! Checkpoints and rollbacks: one file per endpoint.

pub(crate) mod create;
pub(crate) mod get_rollback;
pub(crate) mod list;
pub(crate) mod rollback;
mod view;

use protocol::ProjectId;
use protocol::provenance_query::CheckpointView;

use super::problem::ApiError;
use super::{AppState, projects};

/// Refuses a project of which neither the gateway nor the provenance-store has anything. Records of work from outside
/// may be of projects that only the latter knows. `listed` are its checkpoints, for whoever has asked for them already.
async fn ensure_known(
    state: &AppState,
    project_id: &ProjectId,
    listed: Option<&[CheckpointView]>,
) -> Result<(), ApiError> {
    if listed.is_some_and(|listed| !listed.is_empty()) || projects::is_known(state, project_id).await? {
        return Ok(());
    }
    let summary = state.provenance.summarize_project(project_id.clone()).await?;
    let is_known = summary.spend.total.records > 0
        || (listed.is_none() && !state.provenance.list_checkpoints(project_id.clone()).await?.is_empty());
    if is_known { Ok(()) } else { Err(projects::no_such_project(project_id)) }
}

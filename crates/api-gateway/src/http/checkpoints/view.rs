//! A checkpoint as clients see it.

use protocol::provenance_query::CheckpointView;
use protocol::{CheckpointId, ProjectId, ProvenanceId, TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// A point in a project's record order that can be returned to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checkpoint)]
pub(crate) struct CheckpointResponse {
    /// Its id.
    #[schema(value_type = Uuid)]
    checkpoint_id: CheckpointId,
    /// Of which project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// In words.
    description: String,
    /// `auto`, `manual` or `milestone`.
    trigger: String,
    /// When it was made.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// Records of the project up to it.
    provenance_count: u64,
    /// The last of them.
    #[schema(value_type = Option<Uuid>)]
    last_provenance_id: Option<ProvenanceId>,
    /// That one's task.
    #[schema(value_type = Option<Uuid>)]
    last_task_id: Option<TaskId>,
    /// Whether it can be returned to.
    is_valid: bool,
}

impl From<CheckpointView> for CheckpointResponse {
    fn from(view: CheckpointView) -> Self {
        Self {
            checkpoint_id: view.checkpoint_id,
            project_id: view.project_id,
            description: view.description,
            trigger: view.trigger,
            created_at: view.created_at,
            provenance_count: view.provenance_count,
            last_provenance_id: view.last_provenance_id,
            last_task_id: view.last_task_id,
            is_valid: view.is_valid,
        }
    }
}

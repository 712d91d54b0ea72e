//! Taint, suspicion, checkpoints and rollback.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Failure, JsonObject, null_as_default};
use crate::ids::{ArtifactId, CheckpointId, EventId, ProjectId, ProvenanceId, RollbackId, TaskId};
use crate::vocabulary::Severity;

/// `cascade.started`: a taint begins to spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CascadeStarted {
    /// The cascade.
    pub cascade_id: String,
    /// Where it began.
    pub artifact_id: ArtifactId,
    /// Why.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reason: String,
}

/// `cascade.completed`: a taint has spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CascadeCompleted {
    /// The cascade.
    pub cascade_id: String,
    /// Counts of what was marked.
    #[serde(default, deserialize_with = "null_as_default")]
    pub stats: JsonObject,
}

macro_rules! artifact_event {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// The artifact.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub artifact_id: Option<ArtifactId>,
            /// Or several.
            #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
            pub artifact_ids: Vec<ArtifactId>,
            /// The record whose versions of them are meant; the newest versions when absent. Alone, it means the
            /// record with everything it produced.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub provenance_id: Option<ProvenanceId>,
            /// The cascade it belongs to.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub cascade_id: Option<String>,
            /// Why.
            #[serde(default, deserialize_with = "null_as_default")]
            pub reason: String,
            /// The artifact that led to it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub source_id: Option<ArtifactId>,
            $($(#[$field_doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        impl $name {
            /// Every artifact it names, each once, in order of appearance.
            #[must_use]
            pub fn artifacts(&self) -> Vec<&ArtifactId> {
                let mut named: Vec<&ArtifactId> = Vec::with_capacity(1 + self.artifact_ids.len());
                for id in self.artifact_id.iter().chain(&self.artifact_ids) {
                    if !named.contains(&id) {
                        named.push(id);
                    }
                }
                named
            }
        }
    };
}

artifact_event!(
    /// `artifact.tainted`: found wrong.
    ArtifactTainted {
        /// How bad.
        severity: Severity,
        /// Whether what is built on it already becomes suspect; yes when absent.
        propagate: bool,
    }
);
artifact_event!(
    /// `artifact.suspect`: built on something found wrong.
    ArtifactSuspect {
        /// Edges between it and the source.
        depth: u32,
    }
);
artifact_event!(
    /// `artifact.cleared`: the suspicion was unfounded.
    ArtifactCleared {}
);

/// `artifact.standing`: whether the newest versions of artifacts are tainted. Told whenever that changes, and in answer
/// to every `artifact.tainted`. What is told may overtake what was told before; the moments say which is which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactStanding {
    /// When it was so: microseconds since 1970 by the provenance-store's own clock, which never goes back.
    pub moment: i64,
    /// Artifacts whose newest version is tainted.
    #[serde(default)]
    pub tainted: Vec<ArtifactId>,
    /// Artifacts whose newest version is not.
    #[serde(default)]
    pub untainted: Vec<ArtifactId>,
    /// The events that it answers: what they told was taken into account.
    #[serde(default)]
    pub answers: Vec<EventId>,
}

/// `checkpoint.requested`: a checkpoint is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointRequested {
    /// The id it shall have; a new one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_id: Option<CheckpointId>,
    /// Of which project.
    pub project_id: ProjectId,
    /// In words.
    #[serde(default, deserialize_with = "null_as_default")]
    pub description: String,
    /// `auto`, `manual` or `milestone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

/// `checkpoint.created`: a checkpoint exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointCreated {
    /// Its id.
    pub checkpoint_id: CheckpointId,
    /// Of which project.
    pub project_id: ProjectId,
    /// In words.
    #[serde(default, deserialize_with = "null_as_default")]
    pub description: String,
    /// `auto`, `manual` or `milestone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Records up to it.
    #[serde(default)]
    pub provenance_count: u64,
}

/// `rollback.requested`: a return to a checkpoint is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RollbackRequested {
    /// The id it shall have; derived from the event when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_id: Option<RollbackId>,
    /// Where to.
    pub checkpoint_id: CheckpointId,
    /// Why.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reason: String,
    /// Whether only the numbers are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// `rollback.completed`: done, or refused with `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RollbackCompleted {
    /// Which.
    pub rollback_id: RollbackId,
    /// Where to.
    pub checkpoint_id: CheckpointId,
    /// Of which project; absent when the checkpoint is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// Why it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Records that no longer count.
    #[serde(default)]
    pub records_invalidated: u64,
    /// Artifacts that no longer count.
    #[serde(default)]
    pub artifact_ids: Vec<ArtifactId>,
    /// Those of the artifacts of which a newer version counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<ArtifactId>,
    /// When the artifacts stood so, as `artifact.standing` tells it; absent where nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<i64>,
    /// Tasks to run again.
    #[serde(default)]
    pub task_ids: Vec<TaskId>,
    /// Whether nothing was changed.
    #[serde(default)]
    pub dry_run: bool,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

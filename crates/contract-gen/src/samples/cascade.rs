//! Samples of taint, checkpoints and rollback.

use protocol::events::{
    ArtifactCleared, ArtifactStanding, ArtifactSuspect, ArtifactTainted, CascadeCompleted, CascadeStarted,
    CheckpointCreated, CheckpointRequested, JsonObject, RollbackCompleted, RollbackRequested,
};
use protocol::ids::{CheckpointId, EventId, RollbackId};
use protocol::vocabulary::Severity;

use super::{artifact_id, numbered, project_id, task_id};

const CASCADE: &str = "cascade-5";
const WRONG: &str = "price-list-format";
const BUILT_ON_IT: &str = "price-list-parser";
const REASON: &str = "the column order was wrong";

fn checkpoint_id() -> CheckpointId {
    CheckpointId(numbered(5))
}

fn rollback_id() -> RollbackId {
    RollbackId(numbered(6))
}

pub(super) fn started() -> CascadeStarted {
    CascadeStarted {
        cascade_id: CASCADE.to_owned(),
        artifact_id: artifact_id(WRONG),
        reason: REASON.to_owned(),
    }
}

pub(super) fn completed() -> CascadeCompleted {
    let stats: JsonObject = [("tainted", 1), ("suspect", 1), ("max_depth", 1)]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
    CascadeCompleted { cascade_id: CASCADE.to_owned(), stats }
}

pub(super) fn tainted() -> ArtifactTainted {
    ArtifactTainted {
        artifact_id: Some(artifact_id(WRONG)),
        cascade_id: Some(CASCADE.to_owned()),
        reason: REASON.to_owned(),
        severity: Some(Severity::High),
        ..ArtifactTainted::default()
    }
}

pub(super) fn suspect() -> ArtifactSuspect {
    ArtifactSuspect {
        artifact_id: Some(artifact_id(BUILT_ON_IT)),
        cascade_id: Some(CASCADE.to_owned()),
        reason: REASON.to_owned(),
        source_id: Some(artifact_id(WRONG)),
        depth: Some(1),
        ..ArtifactSuspect::default()
    }
}

pub(super) fn cleared() -> ArtifactCleared {
    ArtifactCleared {
        artifact_id: Some(artifact_id(BUILT_ON_IT)),
        cascade_id: Some(CASCADE.to_owned()),
        reason: "checked against the right order".to_owned(),
        ..ArtifactCleared::default()
    }
}

pub(super) fn standing() -> ArtifactStanding {
    ArtifactStanding {
        moment: 1_790_000_000_000_000,
        tainted: vec![artifact_id(WRONG)],
        untainted: vec![artifact_id(BUILT_ON_IT)],
        answers: vec![EventId::from(numbered(7))],
    }
}

pub(super) fn checkpoint_requested() -> CheckpointRequested {
    CheckpointRequested {
        checkpoint_id: Some(checkpoint_id()),
        project_id: project_id(),
        description: "before the new price list".to_owned(),
        trigger: Some("manual".to_owned()),
    }
}

pub(super) fn checkpoint_created() -> CheckpointCreated {
    CheckpointCreated {
        checkpoint_id: checkpoint_id(),
        project_id: project_id(),
        description: "before the new price list".to_owned(),
        trigger: Some("manual".to_owned()),
        provenance_count: 41,
    }
}

pub(super) fn rollback_requested() -> RollbackRequested {
    RollbackRequested {
        rollback_id: Some(rollback_id()),
        checkpoint_id: checkpoint_id(),
        reason: REASON.to_owned(),
        dry_run: Some(false),
    }
}

pub(super) fn rollback_completed() -> RollbackCompleted {
    RollbackCompleted {
        rollback_id: rollback_id(),
        checkpoint_id: checkpoint_id(),
        project_id: Some(project_id()),
        trigger: Some(REASON.to_owned()),
        records_invalidated: 1,
        artifact_ids: vec![artifact_id(BUILT_ON_IT)],
        superseded: Vec::new(),
        moment: Some(1_790_000_000_000_001),
        task_ids: vec![task_id()],
        dry_run: false,
        error: None,
    }
}

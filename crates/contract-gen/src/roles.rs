//! Who publishes an event and who takes it: what other languages' programs need besides its shape.

use protocol::EventKind;

/// The two sides of an event, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// Publishers of ours.
    pub sent_by: &'static [&'static str],
    /// Publishers outside.
    pub accepted_from: &'static [&'static str],
    /// Consumers of ours.
    pub taken_by: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
}

const GATEWAY: &str = "api-gateway";
const ROUTING: &str = "routing-engine";
const PROVENANCE: &str = "provenance-store";

/// The two sides of an event.
#[must_use]
pub fn role(kind: EventKind) -> Role {
    let role = |sent_by, accepted_from, taken_by, summary| Role { sent_by, accepted_from, taken_by, summary };
    match kind {
        EventKind::TaskCreated => role(&[GATEWAY], &[], &[ROUTING], "A task attempt wants to be routed"),
        EventKind::TaskReady => {
            role(&[ROUTING], &[], &[GATEWAY], "A task attempt waits for a worker of its tier")
        }
        EventKind::TaskDecomposed => role(&[ROUTING], &[], &[GATEWAY], "A task was split into subtasks"),
        EventKind::TaskRoutingFailed => role(&[ROUTING], &[], &[GATEWAY], "No way was found to run a task"),
        EventKind::TaskDispatched => {
            role(&[ROUTING], &[], &[GATEWAY], "A task attempt waits in an agent queue")
        }
        EventKind::TaskStarted => role(&[ROUTING], &["worker"], &[GATEWAY], "A worker or agent began"),
        EventKind::TaskProgress => {
            role(&[ROUTING], &["worker"], &[GATEWAY], "A worker or agent tells how far it is")
        }
        EventKind::TaskOutputCreated => {
            role(&[], &["worker"], &[GATEWAY, PROVENANCE], "A worker hands in an output to be judged")
        }
        EventKind::TaskCompleted => role(&[ROUTING], &[], &[GATEWAY, PROVENANCE], "An agent finished"),
        EventKind::TaskValidated => role(&[], &["qa"], &[GATEWAY, PROVENANCE], "QA accepted an output"),
        EventKind::TaskRejected => role(&[], &["qa"], &[GATEWAY, PROVENANCE], "QA rejected an output"),
        EventKind::TaskFailed => role(&[ROUTING], &["worker", "qa"], &[GATEWAY], "An attempt failed"),
        EventKind::TaskCancelled => {
            role(&[GATEWAY], &[], &[ROUTING], "A task was cancelled; whoever works on it may stop")
        }
        EventKind::TaskStatusChanged => {
            role(&[GATEWAY], &[], &[PROVENANCE], "A task's status, phase or attempt changed")
        }
        EventKind::ProvenanceRecorded => {
            role(&[PROVENANCE], &[], &[GATEWAY], "A provenance record was written")
        }
        EventKind::ReviewRequested => role(&[], &["qa"], &[GATEWAY], "A person is asked"),
        EventKind::ReviewCompleted => {
            role(&[GATEWAY], &["qa"], &[GATEWAY, PROVENANCE], "A person answered a review")
        }
        EventKind::AgentHeartbeat => role(&[ROUTING], &[], &[GATEWAY], "An agent lives"),
        EventKind::AgentOffline => role(&[GATEWAY], &[], &[], "An agent fell silent"),
        EventKind::CascadeStarted => role(&[PROVENANCE], &["cascade"], &[], "A taint begins to spread"),
        EventKind::CascadeCompleted => role(&[PROVENANCE], &["cascade"], &[], "A taint has spread"),
        EventKind::ArtifactTainted => {
            role(&[GATEWAY, PROVENANCE], &["cascade"], &[PROVENANCE, GATEWAY], "An artifact was found wrong")
        }
        EventKind::ArtifactSuspect => {
            role(&[PROVENANCE], &["cascade"], &[PROVENANCE], "An artifact builds on a wrong one")
        }
        EventKind::ArtifactCleared => {
            role(&[PROVENANCE], &["cascade"], &[PROVENANCE, GATEWAY], "A suspicion was unfounded")
        }
        EventKind::ArtifactStanding => {
            role(&[PROVENANCE], &[], &[GATEWAY], "Whether the newest versions of artifacts are tainted")
        }
        EventKind::CheckpointRequested => {
            role(&[GATEWAY], &["cascade"], &[PROVENANCE], "A checkpoint of a project is wanted")
        }
        EventKind::CheckpointCreated => role(&[PROVENANCE], &[], &[], "A checkpoint exists"),
        EventKind::RollbackRequested => {
            role(&[GATEWAY], &["cascade"], &[PROVENANCE], "A return to a checkpoint is wanted")
        }
        EventKind::RollbackCompleted => {
            role(&[PROVENANCE], &[], &[GATEWAY], "A return to a checkpoint is done or was refused")
        }
    }
}

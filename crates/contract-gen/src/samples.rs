//! One golden sample per event: a believable story about one task, with fixed ids and times.

mod cascade;
mod task;
mod work;

use protocol::ids::{ArtifactId, EventId, ProjectId, TaskId, TraceId};
use protocol::{Event, EventData, EventKind, Timestamp};
use uuid::Uuid;

/// The sample of an event.
#[must_use]
pub fn sample(kind: EventKind) -> Event {
    let data = data(kind);
    Event {
        id: EventId::of_content(&[kind.name().as_bytes()]),
        source: source(kind).to_owned(),
        time: at(30),
        trace_id: Some(trace_id()),
        correlation_id: data.task_id(),
        causation_id: Some(EventId(numbered(0xff))),
        data,
    }
}

fn data(kind: EventKind) -> EventData {
    match kind {
        EventKind::TaskCreated => task::created().into(),
        EventKind::TaskReady => task::ready().into(),
        EventKind::TaskDecomposed => task::decomposed().into(),
        EventKind::TaskRoutingFailed => task::routing_failed().into(),
        EventKind::TaskDispatched => task::dispatched().into(),
        EventKind::TaskFailed => task::failed().into(),
        EventKind::TaskCancelled => task::cancelled().into(),
        EventKind::TaskStatusChanged => task::status_changed().into(),
        EventKind::TaskStarted => work::started().into(),
        EventKind::TaskProgress => work::progress().into(),
        EventKind::TaskOutputCreated => work::output_created().into(),
        EventKind::TaskCompleted => work::completed().into(),
        EventKind::TaskValidated => work::validated().into(),
        EventKind::TaskRejected => work::rejected().into(),
        EventKind::ProvenanceRecorded => work::recorded().into(),
        EventKind::ReviewRequested => work::review_requested().into(),
        EventKind::ReviewCompleted => work::review_completed().into(),
        EventKind::AgentHeartbeat => work::heartbeat().into(),
        EventKind::AgentOffline => work::offline().into(),
        EventKind::CascadeStarted => cascade::started().into(),
        EventKind::CascadeCompleted => cascade::completed().into(),
        EventKind::ArtifactTainted => cascade::tainted().into(),
        EventKind::ArtifactSuspect => cascade::suspect().into(),
        EventKind::ArtifactCleared => cascade::cleared().into(),
        EventKind::ArtifactStanding => cascade::standing().into(),
        EventKind::CheckpointRequested => cascade::checkpoint_requested().into(),
        EventKind::CheckpointCreated => cascade::checkpoint_created().into(),
        EventKind::RollbackRequested => cascade::rollback_requested().into(),
        EventKind::RollbackCompleted => cascade::rollback_completed().into(),
    }
}

fn source(kind: EventKind) -> &'static str {
    match crate::role(kind) {
        crate::Role { sent_by: ["api-gateway", ..], .. } => "/orchestration/api-gateway",
        crate::Role { sent_by: ["routing-engine", ..], .. } => "/orchestration/routing-engine",
        crate::Role { sent_by: ["provenance-store", ..], .. } => "/orchestration/provenance-store",
        crate::Role { accepted_from: ["qa", ..], .. } => "/qa/validator-1",
        _ => "/workers/worker-7",
    }
}

/// Ids that are plainly samples: version 7, the number at the end.
pub(crate) fn numbered(number: u128) -> Uuid {
    Uuid::from_u128(0x0197_a000_0000_7000_8000_0000_0000_0000 | number)
}

pub(crate) fn task_id() -> TaskId {
    TaskId(numbered(1))
}

pub(crate) fn trace_id() -> TraceId {
    TraceId(numbered(2))
}

fn project_id() -> ProjectId {
    ProjectId::new("web-shop").expect("the samples' project id is valid")
}

/// Some second of the sample story.
pub(crate) fn at(second: u32) -> Timestamp {
    let story = "2026-09-21T14:13:00Z".parse::<Timestamp>().expect("the story's beginning is a time");
    (story.to_utc() + chrono::TimeDelta::seconds(i64::from(second))).into()
}

fn artifact_id(name: &str) -> ArtifactId {
    name.parse().expect("the samples' artifact ids are valid")
}

//! The events that an instant worker and an instant QA answer with.

use chrono::Utc;
use protocol::events::{Artifact, EventData, Output, TaskOutputCreated, TaskReady, TaskValidated};
use protocol::{ArtifactId, Event, WireMessage};

/// Who the worker says it is.
pub(super) const WORKER: &str = "bench-worker";
const SOURCE: &str = "/bench";
const CONTENT: &str = "def answer():\n    return 42\n\n\ndef test_answer():\n    assert answer() == 42\n";

/// A finished piece of code for a task.
#[must_use]
pub fn output(cause: &Event, ready: &TaskReady) -> WireMessage {
    let id = format!("art-{}-{}", ready.task_id, ready.attempt);
    let artifact_id = ArtifactId::new(id).expect("an artifact id");
    let artifact = Artifact {
        artifact_id: artifact_id.clone(),
        artifact_type: "code".to_owned(),
        path: Some(format!("{}/answer.py", ready.task_id)),
        language: Some("python".to_owned()),
        checksum: Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned()),
        size_bytes: Some(CONTENT.len() as u64),
    };
    let created = TaskOutputCreated {
        task_id: ready.task_id,
        artifact_id,
        attempt: Some(ready.attempt),
        project_id: Some(ready.project_id.clone()),
        tier: Some(ready.tier.clone()),
        domain: Some(ready.domain.clone()),
        output: Output { content: Some(CONTENT.to_owned()), artifacts: vec![artifact] },
        inputs_consumed: ready.inputs.clone(),
        worker_id: Some(WORKER.to_owned()),
        model_used: ready.model_candidates.first().cloned(),
        tokens_input: Some(900),
        tokens_output: Some(120),
        execution_time_ms: Some(1),
        confidence: Some(0.9),
        started_at: Some(Utc::now().into()),
    };
    following(cause, created)
}

/// A verdict in favour of an output.
#[must_use]
pub fn validated(cause: &Event, created: &TaskOutputCreated) -> WireMessage {
    let verdict = TaskValidated {
        task_id: created.task_id,
        artifact_id: Some(created.artifact_id.clone()),
        score: Some(0.95),
        attempt: created.attempt,
    };
    following(cause, verdict)
}

/// The message of an event that follows from another one.
pub(super) fn following(cause: &Event, data: impl Into<EventData>) -> WireMessage {
    Event::following(cause, "", SOURCE, Utc::now(), data).to_wire(None).expect("an event as JSON")
}

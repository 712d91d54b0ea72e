//! Events as outsiders write them.

use protocol::{Event, Incoming, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// A point in time, in seconds of a day of the test's own.
pub(crate) fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(1_795_000_000 + second, 0).unwrap().into()
}

/// A CloudEvents document with an id of its own.
pub(crate) fn document(name: &str, second: i64, data: Value) -> Value {
    json!({
        "specversion": "1.0", "type": format!("dats.{name}"), "source": "/outside", "id": Uuid::now_v7(),
        "time": at(second), "data": data,
    })
}

/// The event of such a document.
pub(crate) fn event(name: &str, second: i64, data: Value) -> Event {
    read(name, &document(name, second, data))
}

/// The event of a document.
pub(crate) fn read(name: &str, document: &Value) -> Event {
    let body = document.to_string();
    let incoming = Incoming { routing_key: name, body: body.as_bytes(), ..Incoming::default() };
    Event::decode(incoming, at(0)).unwrap()
}

/// `task.output.created` with one described artifact.
pub(crate) fn output(task: Uuid, attempt: u32, artifact: &str, second: i64) -> Event {
    event("task.output.created", second, output_data(task, attempt, artifact, &[]))
}

/// Data of `task.output.created` with one described artifact and some inputs.
pub(crate) fn output_data(task: Uuid, attempt: u32, artifact: &str, inputs: &[&str]) -> Value {
    json!({
        "task_id": task, "attempt": attempt, "artifact_id": artifact, "worker_id": "worker-1",
        "model_used": "model-1", "tokens_input": 100, "tokens_output": 20, "execution_time_ms": 1500,
        "confidence": 0.75, "inputs_consumed": inputs,
        "output": {"artifacts": [{"artifact_id": artifact, "type": "code", "path": format!("src/{artifact}"),
                                  "language": "rust", "checksum": "ab12", "size_bytes": 42}]},
    })
}

/// `task.validated` by QA.
pub(crate) fn validated(task: Uuid, attempt: u32, second: i64) -> Event {
    event(
        "task.validated",
        second,
        json!({"task_id": task, "attempt": attempt, "artifact_id": "a", "score": 0.9}),
    )
}

/// Data of `task.status.<status>`.
pub(crate) fn status_data(
    task: Uuid,
    attempt: u32,
    sequence: u64,
    status: &str,
    phase: &str,
    second: i64,
) -> Value {
    json!({
        "task_id": task, "project_id": "shop", "tier": "small", "domain": "code-general",
        "trace_id": Uuid::from_u128(5), "status": status, "previous_status": "pending", "phase": phase,
        "attempt": attempt, "sequence": sequence, "at": at(second),
    })
}

/// `task.status.<status>`.
pub(crate) fn status(
    task: Uuid,
    attempt: u32,
    sequence: u64,
    status: &str,
    phase: &str,
    second: i64,
) -> Event {
    event(
        &format!("task.status.{status}"),
        second,
        status_data(task, attempt, sequence, status, phase, second),
    )
}

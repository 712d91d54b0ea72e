//! The provenance-store after a rest: a backlog of outputs waits for it.

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::events::TaskOutputCreated;
use protocol::{Event, TaskId, WireMessage};
use serde_json::json;

use super::Scenario;
use crate::Role;
use crate::bench::cast::Cast;
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::scenarios::provenance_read::RECORDS;
use crate::bench::stage::{PROJECT, Stage, growth_rate};

/// Records for so many messages of the scale's backlog.
const SHARE: usize = 4;
/// Messages that are handed to the publisher at once.
pub(super) const CHUNK: usize = 4_000;
/// Each record used the artifact of so many before it.
const INPUTS: usize = 2;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "provenance-write",
    operation: "records written from a backlog of 50,000 outputs",
    targets: &[
        (Quantity::Rate, Target::AtLeast(6_000.0)),
        (Quantity::ProvenanceMemory, Target::Under(150.0)),
    ],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let mut stage = Stage::start(&[Role::Provenance]).await;
        let store = stage.stack.kill(Role::Provenance).await;
        let cast = Cast::at(&stage);
        let records = scale.backlog / SHARE;
        for some in outputs(records, |_, _| None).chunks(CHUNK) {
            cast.publish(some.to_vec()).await;
        }
        stage.stack.launch(Role::Provenance, store);
        let database = stage.stack.provenance_database().client().await;
        let rate = growth_rate(&database, RECORDS, records as i64, "the backlog is written").await;
        stage.stack.ready(Role::Provenance).await;
        let mut findings = vec![(Quantity::Rate, rate)];
        findings.extend(stage.memory());
        findings
    }
    .boxed()
}

/// Outputs of tasks that nobody else knows. Each used what `used` names for it (its number, and that of the input), else
/// the artifacts of those before it.
pub(super) fn outputs(count: usize, used: impl Fn(usize, usize) -> Option<String>) -> Vec<WireMessage> {
    let tasks: Vec<TaskId> = (0..count).map(|_| TaskId::generate()).collect();
    let message = |index: usize| {
        let task_id = tasks[index];
        let inputs: Vec<_> = tasks[index.saturating_sub(INPUTS)..index]
            .iter()
            .enumerate()
            .map(|(input, task)| {
                let artifact_id = used(index, input).unwrap_or_else(|| format!("art-{task}"));
                json!({ "artifact_id": artifact_id, "relationship": "consumed" })
            })
            .collect();
        let artifact = json!({
            "artifact_id": format!("art-{task_id}"), "type": "code", "path": format!("{task_id}/answer.py"),
            "language": "python", "size_bytes": 90,
            "checksum": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        });
        let output = json!({
            "task_id": task_id, "artifact_id": artifact["artifact_id"], "attempt": 1, "project_id": PROJECT,
            "tier": "small", "domain": "code-general", "worker_id": "bench-worker", "model_used": "bench",
            "output": { "artifacts": [artifact] }, "inputs_consumed": inputs,
            "tokens_input": 900, "tokens_output": 120, "execution_time_ms": 5, "confidence": 0.9,
        });
        let output: TaskOutputCreated = serde_json::from_value(output).expect("an output");
        Event::new("/bench", Utc::now(), output).to_wire(None).expect("an event as JSON")
    };
    (0..count).map(message).collect()
}

//! The gateway after a rest: a backlog of events waits for it, four for each task.

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::events::{EventData, TaskOutputCreated, TaskProgress, TaskStarted, TaskValidated};
use protocol::{ArtifactId, Event, TaskId, WireMessage};
use serde_json::json;

use super::Scenario;
use crate::Role;
use crate::bench::cast::Cast;
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::stage::{PROJECT, Stage, growth_rate};

const EVENTS_PER_TASK: usize = 4;
/// Messages that are handed to the publisher at once.
const CHUNK: usize = 4_000;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "events",
    operation: "events applied by the gateway from a backlog of 200,000",
    targets: &[(Quantity::Rate, Target::AtLeast(10_000.0)), (Quantity::GatewayMemory, Target::Under(150.0))],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let mut stage = Stage::start(&[Role::Gateway, Role::Routing, Role::Provenance]).await;
        let ids = stage.stock(scale.backlog / EVENTS_PER_TASK).await;
        stage.phase_holds("ready", ids.len()).await;
        stage.stack.kill(Role::Provenance).await;
        let gateway = stage.stack.kill(Role::Gateway).await;
        let cast = Cast::at(&stage);
        let tasks: Vec<TaskId> = ids.iter().map(|id| TaskId(id.parse().expect("an id"))).collect();
        for some in tasks.chunks(CHUNK / EVENTS_PER_TASK) {
            cast.publish(some.iter().flat_map(|&task| life_of(task)).collect()).await;
        }
        stage.stack.launch(Role::Gateway, gateway);
        let completed = format!("SELECT completed FROM projects WHERE project_id = '{PROJECT}'");
        let database = stage.stack.gateway_database().client().await;
        let rate = growth_rate(&database, &completed, tasks.len() as i64, "the backlog is applied").await;
        let mut findings = vec![(Quantity::Rate, rate * EVENTS_PER_TASK as f64)];
        stage.stack.ready(Role::Gateway).await;
        findings.extend(stage.memory().into_iter().filter(|(of, _)| *of == Quantity::GatewayMemory));
        findings
    }
    .boxed()
}

/// What a task meets with from worker and QA.
fn life_of(task_id: TaskId) -> [WireMessage; EVENTS_PER_TASK] {
    let (attempt, worker_id) = (Some(1), "bench-worker");
    let artifact_id = ArtifactId::new(format!("art-{task_id}")).expect("an artifact id");
    let started = json!({ "task_id": task_id, "attempt": 1, "worker_id": worker_id });
    let started: TaskStarted = serde_json::from_value(started).expect("a start");
    let progress = json!({ "task_id": task_id, "attempt": 1, "percent": 50.0, "message": "half" });
    let progress: TaskProgress = serde_json::from_value(progress).expect("progress");
    let output = json!({
        "task_id": task_id, "artifact_id": artifact_id, "attempt": 1, "worker_id": worker_id,
        "output": { "artifacts": [{ "artifact_id": artifact_id, "type": "code" }] },
        "tokens_input": 900, "tokens_output": 120, "execution_time_ms": 5,
    });
    let output: TaskOutputCreated = serde_json::from_value(output).expect("an output");
    let validated = TaskValidated { task_id, artifact_id: Some(artifact_id), score: Some(0.95), attempt };
    [message(started), message(progress), message(output), message(validated)]
}

fn message(data: impl Into<EventData>) -> WireMessage {
    Event::new("/bench", Utc::now(), data).to_wire(None).expect("an event as JSON")
}

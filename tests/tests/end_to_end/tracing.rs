//! One task is one trace: from the request through the outbox, the broker and every service that has a hand in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use end_to_end::spans::{Collected, Collector, picture};
use end_to_end::{Plan, Role};
use serde_json::json;
use test_support::wait_for;

/// Services send their spans every five seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// Whether everybody's part is there, and everything it is a part of.
fn is_whole(spans: &[Collected]) -> bool {
    let has =
        |service: &str, name: &str| spans.iter().any(|span| span.service == service && span.name == name);
    let ids: BTreeSet<&[u8]> = spans.iter().map(|span| span.span_id.as_slice()).collect();
    has("api-gateway", "POST /api/v1/tasks")
        && has("routing-engine", "route_task")
        && has("api-gateway", "process orchestration-events")
        && has("provenance-store", "process provenance-events")
        && spans.iter().all(|span| span.parent_id.is_empty() || ids.contains(span.parent_id.as_slice()))
}

#[tokio::test]
async fn one_task_is_one_trace_across_the_three_services() {
    let collector = Collector::start().await;
    let stack = [Role::Gateway, Role::Routing, Role::Provenance]
        .into_iter()
        .fold(Plan::new(), |plan, role| plan.setting(role, "OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()))
        .start()
        .await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    // So that what it costs to do things for the first time is not in the picture.
    let first = client.submit_text("traced", "Write a function to warm up").await;
    assert_eq!(client.ended(&first).await["status"], "completed");

    let submitted =
        client.post("/tasks", &json!({ "description": "Write a parser", "project_id": "traced" })).await;
    let task_id = submitted.json["task_id"].as_str().unwrap();
    let task = client.ended(task_id).await;
    assert_eq!(task["status"], "completed");
    client.record_when(task_id, "passed").await;
    let trace_id = task["trace_id"].as_str().unwrap().parse().unwrap();
    let spans = wait_for("the whole trace is collected", PATIENCE, || async {
        let spans = collector.trace(trace_id).await;
        is_whole(&spans).then_some(spans)
    })
    .await;

    let first: Vec<&Collected> = spans.iter().filter(|span| span.parent_id.is_empty()).collect();
    assert_eq!(first.len(), 1, "everything follows from the request: {spans:#?}");
    assert!(first[0].is_server());
    assert_eq!(first[0].attributes["http.route"], "/api/v1/tasks");
    assert_eq!(first[0].attributes["http.response.status_code"], "201");
    let consumed = spans.iter().find(|span| span.name == "process provenance-events").unwrap();
    assert_eq!(consumed.kind, "consumer");
    assert_eq!(consumed.attributes["messaging.system"], "rabbitmq");
    assert_eq!(consumed.attributes["messaging.destination.name"], "provenance-events");

    let drawn = picture("One task: submitted, routed, worked on, judged, recorded", &spans);
    assert_eq!(drawn.matches("<rect x=").count(), spans.len());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/trace.svg"), drawn).unwrap();
    }
}

//! One task is one trace: from the request through the outbox, the broker and every service that has a hand in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use end_to_end::client::{Client, TASK_TIME};
use end_to_end::spans::{Collected, Collector, picture};
use end_to_end::{Plan, Role};
use serde_json::json;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(120);
/// Spans are given up when they do not reach the collector in time, which happens on a machine that is busy. Another
/// task is traced then.
const ANOTHER_AFTER: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
const SERVICES: [Role; 3] = [Role::Gateway, Role::Routing, Role::Provenance];

/// Whether everybody's part is there, and everything that it is a part of.
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

/// Does a task to its end and its record; its trace.
async fn trace_of_a_task(client: &Client) -> Uuid {
    let body = json!({ "description": "Write a parser", "project_id": "traced" });
    let task_id = client.submit(&body).await;
    let task = client.task_when(&task_id, "completed", TASK_TIME * 2, |task| task["status"] == "completed");
    let trace_id = task.await["trace_id"].as_str().unwrap().parse().unwrap();
    client.record_when(&task_id, "passed").await;
    trace_id
}

/// The first trace that the collector has whole.
async fn whole_trace(client: &Client, collector: &Collector) -> Vec<Collected> {
    let started = Instant::now();
    let mut traces = Vec::new();
    let mut latest = started;
    loop {
        if traces.is_empty() || latest.elapsed() > ANOTHER_AFTER {
            traces.push(trace_of_a_task(client).await);
            latest = Instant::now();
        }
        let mut seen = Vec::new();
        for trace_id in &traces {
            let spans = collector.trace(*trace_id).await;
            if is_whole(&spans) {
                return spans;
            }
            seen.push(spans);
        }
        assert!(started.elapsed() < PATIENCE, "no trace is whole: {seen:#?}");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test]
async fn one_task_is_one_trace_across_the_three_services() {
    let collector = Collector::start().await;
    let plan = SERVICES.into_iter().fold(Plan::new(), |plan, role| {
        let plan = plan.setting(role, "OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
        plan.setting(role, "OTEL_BSP_SCHEDULE_DELAY", "500")
    });
    let stack = plan.start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    // So that what it costs to do things for the first time is not in the picture.
    trace_of_a_task(&client).await;
    let spans = whole_trace(&client, &collector).await;

    let first: Vec<&Collected> = spans.iter().filter(|span| span.parent_id.is_empty()).collect();
    assert_eq!(first.len(), 1, "everything follows from the request: {spans:#?}");
    assert_eq!(first[0].kind, "server");
    assert_eq!(first[0].attributes["http.route"], "/api/v1/tasks");
    assert_eq!(first[0].attributes["http.response.status_code"], "201");
    let consumed = spans.iter().find(|span| span.name == "process provenance-events").unwrap();
    assert_eq!(consumed.kind, "consumer");
    assert_eq!(consumed.attributes["messaging.system"], "rabbitmq");
    assert_eq!(consumed.attributes["messaging.destination.name"], "provenance-events");

    let drawn = picture("One task: submitted, routed, worked on, judged, recorded", &spans);
    assert_eq!(drawn.matches("<rect class=\"span\"").count(), spans.len());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/trace.svg"), drawn).unwrap();
    }
}

//! Results: work is dispatched and taken first, without being measured; then all of it is answered at the given rate.
//! The project's slots must be enough for all of it, or the rest never reaches the agents.

use std::time::Instant;

use anyhow::{Context, bail};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::crew::Crew;
use super::{Absorbed, Gateway, LoadSettings};
use crate::agent::request::Request;

/// Dispatches under way at once.
const CLIENTS: usize = 64;

pub(super) async fn send(
    settings: &LoadSettings,
    crew: &mut Crew,
    gateway: &Gateway,
) -> anyhow::Result<Absorbed> {
    let project = format!("load-{}", Uuid::new_v4().simple());
    let count = usize::try_from(settings.results)?;
    stream::iter(0..count)
        .map(|_| dispatch(gateway, &project))
        .buffer_unordered(CLIENTS)
        .try_collect::<()>()
        .await?;
    let requests = tokio::time::timeout(settings.patience, take(crew, count)).await.with_context(|| {
        "not all work came to the agents: raise task_management.max_concurrent_per_project, and stop other agents"
    })??;
    let began = Instant::now();
    let answers =
        requests.iter().map(|request| Crew::sender().answer("work_result", request, &payload(request)));
    let published = crew.publish(answers, settings.rate).await?;
    let completed = |status: &Value| status.pointer("/by_status/completed") == Some(&json!(settings.results));
    gateway.until(&format!("/projects/{project}/status"), completed).await?;
    Ok(Absorbed { messages: settings.results, published, absorbed: began.elapsed() })
}

async fn dispatch(gateway: &Gateway, project: &str) -> anyhow::Result<()> {
    let body = json!({
        "task_id": Uuid::new_v4(), "project_id": project, "work_type": "echo", "parameters": { "message": "load" },
    });
    let url = format!("{}/api/v1/dispatch", gateway.url);
    let answer = gateway.client.post(url).json(&body).send().await?;
    if answer.status() != 200 {
        bail!("POST /dispatch: {} {}", answer.status(), answer.text().await?);
    }
    Ok(())
}

async fn take(crew: &mut Crew, count: usize) -> anyhow::Result<Vec<Request>> {
    let mut requests = Vec::with_capacity(count);
    while requests.len() < count {
        let request = crew.requests.recv().await.context("the connection to the broker was lost")?;
        requests.extend(request.job.is_some().then_some(request));
    }
    Ok(requests)
}

fn payload(request: &Request) -> Value {
    json!({
        "task_id": request.job.as_ref().map(|job| job.task_id),
        "status": "completed",
        "exit_code": 0,
        "output": "Echo: load",
        "error_message": null,
        "duration_ms": 1,
        "agent_id": Uuid::new_v4(),
        "trace_id": request.trace_id,
        "request_id": request.request_id,
        "resources_used": {},
        "analysis_result": null,
    })
}

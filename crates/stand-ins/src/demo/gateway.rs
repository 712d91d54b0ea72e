//! The gateway as a client sees it: the few REST calls that the demo makes.

use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// A REST client of one gateway.
pub(super) struct Gateway {
    url: String,
    client: Client,
}

impl Gateway {
    /// A client of the gateway at `url`.
    pub(super) fn new(url: String) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build()?;
        Ok(Self { url, client })
    }

    /// Where it is, without a prefix.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Submits a task; the answer's `task_id`.
    pub(super) async fn submit(&self, body: &Value) -> anyhow::Result<String> {
        let answer = self.call(Method::POST, "/tasks", Some(body)).await?;
        Ok(answer.get("task_id").and_then(Value::as_str).context("the answer has no task_id")?.to_owned())
    }

    /// Hands in work for an agent, as part of a trace.
    pub(super) async fn dispatch(&self, body: &Value, trace_id: Uuid) -> anyhow::Result<()> {
        let traceparent = format!("00-{}-{:016x}-01", trace_id.simple(), rand::random::<u64>().max(1));
        let request = self.client.post(format!("{}/api/v1/dispatch", self.url));
        self.answer(request.header("traceparent", traceparent).json(body), "POST /dispatch").await?;
        Ok(())
    }

    /// How far work for an agent is, and its result.
    pub(super) async fn work_status(&self, task_id: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, &format!("/status/{task_id}"), None).await
    }

    /// The task as it is now.
    pub(super) async fn task(&self, task_id: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, &format!("/tasks/{task_id}"), None).await
    }

    /// Everything that touched it so far.
    pub(super) async fn history(&self, task_id: &str) -> anyhow::Result<Vec<Value>> {
        let mut answer = self.call(Method::GET, &format!("/tasks/{task_id}/history?limit=200"), None).await?;
        match answer.get_mut("events").map(Value::take) {
            Some(Value::Array(events)) => Ok(events),
            _ => Err(anyhow!("the history has no events")),
        }
    }

    /// Cancels it.
    pub(super) async fn cancel(&self, task_id: &str) -> anyhow::Result<()> {
        let reason = json!({ "reason": "the demo changed its mind" });
        self.call(Method::POST, &format!("/tasks/{task_id}/cancel"), Some(&reason)).await?;
        Ok(())
    }

    /// The record of an attempt, or of a task's newest attempt; absent when nothing was produced.
    pub(super) async fn provenance(&self, id: &str) -> anyhow::Result<Option<Value>> {
        let url = format!("{}/api/v1/provenance/{id}", self.url);
        let answer = self.client.get(url).send().await.context("the gateway does not answer")?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.json().await?))
    }

    /// What is at this path of the API.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// What a request to this path of the API is answered with.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.client.request(method.clone(), format!("{}/api/v1{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request, &format!("{method} {path}")).await
    }

    /// The JSON that a request is answered with; `what` names it when there is none.
    async fn answer(&self, request: RequestBuilder, what: &str) -> anyhow::Result<Value> {
        let answer = request.send().await.with_context(|| format!("{what}: no answer"))?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            return Err(anyhow!("{what}: {status} {text}"));
        }
        serde_json::from_str(&text).with_context(|| format!("{what}: the answer is not JSON"))
    }
}

//! The gateway's REST interface as a client sees it. Nothing here knows the product's types.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

/// Longest time that a task of these tests needs to end.
pub const TASK_TIME: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A client of one gateway.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: header::HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// A header as text, empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The bad fields that a problem names, in their order.
    #[must_use]
    pub fn bad_fields(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str()).collect()
    }
}

impl Client {
    /// A client of the gateway at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(15))
            .build()
            .expect("an HTTP client");
        Self { url: url.into(), http }
    }

    /// Where the gateway is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A request to a path as it stands, prefix included.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request; `None` when there is no answer at all.
    pub async fn try_send(&self, request: RequestBuilder) -> Option<Answer> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.ok()?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Some(Answer { status, headers, text, json })
    }

    /// Sends a request that must be answered.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// `GET` below `/api/v1`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/api/v1{path}"))).await
    }

    /// `POST` of JSON below `/api/v1`.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, &format!("/api/v1{path}")).json(body)).await
    }

    /// `GET` of a path without prefix.
    pub async fn probe(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Submits a task that must be accepted; its id.
    pub async fn submit(&self, body: &Value) -> String {
        let answer = self.post("/tasks", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["task_id"].as_str().expect("a task_id").to_owned()
    }

    /// Submits a task by its description alone.
    pub async fn submit_text(&self, project: &str, description: &str) -> String {
        self.submit(&json!({ "description": description, "project_id": project })).await
    }

    /// The task as it is now.
    pub async fn task(&self, task_id: &str) -> Value {
        let answer = self.get(&format!("/tasks/{task_id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }

    /// The task once it is what `is` asks for.
    ///
    /// # Panics
    /// When it has not become that within `within`; the message holds the task and its history.
    pub async fn task_when(
        &self,
        task_id: &str,
        what: &str,
        within: Duration,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        let started = Instant::now();
        loop {
            let task = self.task(task_id).await;
            if is(&task) {
                return task;
            }
            if started.elapsed() > within {
                let history = self.history(task_id).await;
                panic!("task not {what} after {within:?}:\n{task:#}\n{history:#?}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The task once it has ended, however.
    pub async fn ended(&self, task_id: &str) -> Value {
        self.task_when(task_id, "ended", TASK_TIME, has_ended).await
    }

    /// The task once it is in `phase`.
    pub async fn in_phase(&self, task_id: &str, phase: &str) -> Value {
        self.task_when(task_id, phase, TASK_TIME, |task| task["phase"] == phase).await
    }

    /// Everything that touched the task, in its order.
    pub async fn history(&self, task_id: &str) -> Vec<Value> {
        let answer = self.get(&format!("/tasks/{task_id}/history?limit=200")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["events"].as_array().expect("events").clone()
    }

    /// The record of that id once its verification is `status`.
    pub async fn record_when(&self, id: &str, status: &str) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.get(&format!("/provenance/{id}")).await;
            if answer.status == 200 && answer.json["status"] == status {
                return answer.json;
            }
            assert!(started.elapsed() < TASK_TIME, "record {id} not {status}: {}", answer.text);
            tokio::time::sleep(POLL).await;
        }
    }

    /// How many tasks of a project are in each status.
    pub async fn counts(&self, project: &str) -> Value {
        let answer = self.get(&format!("/projects/{project}/status")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["by_status"].clone()
    }
}

/// Whether a task is in a terminal status.
#[must_use]
pub fn has_ended(task: &Value) -> bool {
    ["completed", "failed", "cancelled"].iter().any(|status| task["status"] == *status)
}

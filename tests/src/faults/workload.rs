//! The clients: each submits tasks of all kinds, insists on an answer the way a careful client does (same idempotency
//! key until there is one), and keeps a log of what it was promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{Client, Role, Stack};

/// Projects that share the load.
pub const PROJECTS: [&str; 3] = ["faults-a", "faults-b", "faults-c"];

const CLIENTS: u64 = 4;
const AGAIN_AFTER: Duration = Duration::from_millis(200);
const BETWEEN_TASKS: Duration = Duration::from_millis(200);
/// Time of an attempt of work for agents, whose loss nobody announces.
const AGENT_SECONDS: u32 = 20;

/// What a task is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It goes well.
    Plain,
    /// QA rejects its first attempt.
    RejectedOnce,
    /// Its first attempt fails.
    FailsOnce,
    /// It is cancelled soon.
    Cancelled,
    /// It goes to an agent.
    Dispatched,
}

/// What a client was promised.
#[derive(Debug, Clone)]
pub struct Promise {
    /// The task.
    pub task_id: String,
    /// What it is like.
    pub kind: Kind,
}

/// The clients at work.
pub struct Workload {
    stop: Arc<AtomicBool>,
    promised: Arc<AtomicUsize>,
    clients: JoinSet<Vec<Promise>>,
}

impl Workload {
    /// Lets the clients begin, each with the gateway that its number falls on; together they submit at most `most` tasks.
    #[must_use]
    pub fn start(stack: &Stack, seed: u64, most: usize) -> Self {
        let (stop, promised) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let gateways = [stack.client_of(Role::Gateway), stack.client_of(Role::SecondGateway)];
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let submitter = Submitter {
                gateways: gateways.clone(),
                random: StdRng::seed_from_u64(seed.wrapping_mul(CLIENTS).wrapping_add(number)),
                promised: Arc::clone(&promised),
                log: Vec::new(),
            };
            clients.spawn(submitter.submit_until(Arc::clone(&stop), most));
        }
        Self { stop, promised, clients }
    }

    /// How many tasks were promised so far.
    #[must_use]
    pub fn promised(&self) -> usize {
        self.promised.load(Ordering::Relaxed)
    }

    /// Lets the clients finish what they are at, and collects their logs.
    pub async fn finish(mut self) -> Vec<Promise> {
        self.stop.store(true, Ordering::Relaxed);
        let mut promises = Vec::new();
        while let Some(log) = self.clients.join_next().await {
            promises.extend(log.expect("a client's log"));
        }
        promises
    }
}

struct Submitter {
    gateways: [Client; 2],
    random: StdRng,
    promised: Arc<AtomicUsize>,
    log: Vec<Promise>,
}

impl Submitter {
    async fn submit_until(mut self, stop: Arc<AtomicBool>, most: usize) -> Vec<Promise> {
        while !stop.load(Ordering::Relaxed) && self.promised.load(Ordering::Relaxed) < most {
            let kind = match self.random.random_range(0..20) {
                0 | 1 => Kind::RejectedOnce,
                2 | 3 => Kind::FailsOnce,
                4 => Kind::Cancelled,
                5 | 6 => Kind::Dispatched,
                _ => Kind::Plain,
            };
            let task_id = self.submit(kind).await;
            self.promised.fetch_add(1, Ordering::Relaxed);
            if kind == Kind::Cancelled {
                self.cancel(&task_id).await;
            }
            self.log.push(Promise { task_id, kind });
            sleep(BETWEEN_TASKS.mul_f64(self.random.random_range(0.5..1.5))).await;
        }
        self.log
    }

    async fn submit(&mut self, kind: Kind) -> String {
        let project = PROJECTS[self.random.random_range(0..PROJECTS.len())];
        let number = self.random.random_range(0..1_000_000);
        let describe = |marker: &str| json!({ "description": format!("Write function {number}{marker}"), "project_id": project });
        let (path, expected, body) = match kind {
            Kind::Plain => ("/api/v1/tasks", 201, describe("")),
            Kind::RejectedOnce => ("/api/v1/tasks", 201, describe(" [reject-once]")),
            Kind::FailsOnce => ("/api/v1/tasks", 201, describe(" [fail-once]")),
            Kind::Cancelled => ("/api/v1/tasks", 201, describe(" [takes 2000ms]")),
            Kind::Dispatched => {
                let body = json!({
                    "task_id": Uuid::from_u128(self.random.random()), "work_type": "echo", "project_id": project,
                    "parameters": { "message": number.to_string() }, "timeout_seconds": AGENT_SECONDS,
                });
                ("/api/v1/dispatch", 200, body)
            }
        };
        let answer = self.insist(path, expected, &body).await;
        answer["task_id"].as_str().expect("a task_id").to_owned()
    }

    /// It may have ended already, which is an answer as well.
    async fn cancel(&mut self, task_id: &str) {
        let path = format!("/api/v1/tasks/{task_id}/cancel");
        let key = self.key();
        loop {
            let (client, request) = self.request(&path, &json!({}), &key);
            let answer = client.try_send(request).await.map(|answer| answer.status);
            if matches!(answer, Some(200 | 409)) {
                return;
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    /// Sends it until it is answered as expected, always under the same key and with the same body.
    async fn insist(&mut self, path: &str, expected: u16, body: &Value) -> Value {
        let key = self.key();
        loop {
            let (client, request) = self.request(path, body, &key);
            match client.try_send(request).await {
                Some(answer) if answer.status == expected => return answer.json,
                // Not now; or the first one is still under way.
                None => {}
                Some(answer) if matches!(answer.status, 409 | 503 | 504) => {}
                Some(answer) => panic!("{path}: {} {}", answer.status, answer.text),
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    fn request(&mut self, path: &str, body: &Value, key: &str) -> (Client, reqwest::RequestBuilder) {
        let client = self.gateways[self.random.random_range(0..self.gateways.len())].clone();
        let request = client.request(Method::POST, path).json(body).header("Idempotency-Key", key);
        (client, request)
    }

    fn key(&mut self) -> String {
        Uuid::from_u128(self.random.random()).to_string()
    }
}

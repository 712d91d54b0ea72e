//! The clients: each submits tasks of all kinds, insists on an answer the way a careful client does (same idempotency
//! key until there is one), and keeps a log of what it was promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::Rng;
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use uuid::Uuid;

use super::chains::{self, Chain};
use super::scene::Setting;
use super::submitter::Submitter;
use crate::Stack;

/// Projects that share the load.
pub const PROJECTS: [&str; 3] = ["faults-a", "faults-b", "faults-c"];

const CLIENTS: u64 = 4;
/// Shortest time between two tasks of a client.
const BETWEEN_TASKS: Duration = Duration::from_millis(200);

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
    chains: JoinHandle<(Vec<Promise>, Vec<Chain>)>,
}

impl Workload {
    /// Lets the clients begin; together they submit the tasks of the setting, spread over the time that the run
    /// will take.
    #[must_use]
    pub fn start(stack: &Stack, setting: Setting) -> Self {
        let (seed, most) = (setting.seed, setting.tasks);
        let pace = setting.time.mul_f64(CLIENTS as f64 / most.max(1) as f64).max(BETWEEN_TASKS);
        let (stop, promised) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut clients = JoinSet::new();
        let submitter = |number| Submitter::new(stack, seed.wrapping_mul(CLIENTS).wrapping_add(number));
        for number in 0..CLIENTS {
            let client = Client {
                submitter: submitter(number),
                pace,
                agent_seconds: setting.agent_seconds,
                promised: Arc::clone(&promised),
                log: Vec::new(),
            };
            clients.spawn(client.submit_until(Arc::clone(&stop), most));
        }
        let chains = tokio::spawn(chains::build_until(submitter(CLIENTS), Arc::clone(&stop)));
        Self { stop, promised, clients, chains }
    }

    /// How many tasks were promised so far.
    #[must_use]
    pub fn promised(&self) -> usize {
        self.promised.load(Ordering::Relaxed)
    }

    /// Lets the clients finish what they are at, and collects their logs.
    ///
    /// # Panics
    /// When a client got an answer that it cannot have got.
    pub async fn finish(mut self) -> (Vec<Promise>, Vec<Chain>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut promises = Vec::new();
        while let Some(log) = self.clients.join_next().await {
            promises.extend(log.expect("a client's log"));
        }
        let (built, chains) = self.chains.await.expect("the log of the chains");
        promises.extend(built);
        (promises, chains)
    }
}

/// One client's work.
struct Client {
    submitter: Submitter,
    pace: Duration,
    agent_seconds: u32,
    promised: Arc<AtomicUsize>,
    log: Vec<Promise>,
}

impl Client {
    async fn submit_until(mut self, stop: Arc<AtomicBool>, most: usize) -> Vec<Promise> {
        while !stop.load(Ordering::Relaxed) && self.promised.load(Ordering::Relaxed) < most {
            let kind = match self.submitter.random.random_range(0..20) {
                0 | 1 => Kind::RejectedOnce,
                2 | 3 => Kind::FailsOnce,
                4 => Kind::Cancelled,
                5 | 6 => Kind::Dispatched,
                _ => Kind::Plain,
            };
            let task_id = self.submit(kind).await;
            self.promised.fetch_add(1, Ordering::Relaxed);
            if kind == Kind::Cancelled {
                self.submitter.cancel(&task_id).await;
            }
            self.log.push(Promise { task_id, kind });
            sleep(self.pace.mul_f64(self.submitter.random.random_range(0.5..1.5))).await;
        }
        self.log
    }

    async fn submit(&mut self, kind: Kind) -> String {
        let random = &mut self.submitter.random;
        let project = PROJECTS[random.random_range(0..PROJECTS.len())];
        let number = random.random_range(0..1_000_000);
        let describe = |marker: &str| json!({ "description": format!("Write function {number}{marker}"), "project_id": project });
        let (path, expected, body) = match kind {
            Kind::Plain => ("/api/v1/tasks", 201, describe("")),
            Kind::RejectedOnce => ("/api/v1/tasks", 201, describe(" [reject-once]")),
            Kind::FailsOnce => ("/api/v1/tasks", 201, describe(" [fail-once]")),
            Kind::Cancelled => ("/api/v1/tasks", 201, describe(" [takes 2000ms]")),
            Kind::Dispatched => {
                let body = json!({
                    "task_id": Uuid::from_u128(random.random()), "work_type": "echo", "project_id": project,
                    "parameters": { "message": number.to_string() }, "timeout_seconds": self.agent_seconds,
                });
                ("/api/v1/dispatch", 200, body)
            }
        };
        let answer = self.submitter.insist(path, expected, &body, &[]).await;
        answer["task_id"].as_str().expect("a task_id").to_owned()
    }
}

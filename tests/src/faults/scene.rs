//! Where things fail: the services on given servers, clients, workers, QA and an agent at work, and a watcher.

use std::path::PathBuf;
use std::time::Duration;

use stand_ins::agent::{Acknowledges, Agent, AgentSettings, Habits};
use stand_ins::qa::Qa;
use stand_ins::worker::Worker;
use test_support::Servers;

use super::checker::{self, Evidence, Sessions};
use super::fault::ROLES;
use super::injector::TAP;
use super::watch::Watch;
use super::workload::Workload;
use crate::{Plan, Role, Stack};

/// Tasks that a project may have under way.
const LIMIT: i64 = 12;
/// Copies of events that are kept to be sent again.
const KEPT_EVENTS: u32 = 500;
/// What there is to be broken.
pub struct Scene {
    /// The services.
    pub stack: Stack,
    /// The clients at work.
    pub workload: Workload,
    keys_count: bool,
    sessions: Sessions,
    outputs: PathBuf,
    watch: Watch,
    // They work until they are dropped.
    _workers: [Worker; 2],
    _qa: Qa,
    _agent: Agent,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// Tasks that clients were promised.
    pub promised: usize,
    /// Faults that happened.
    pub faults: usize,
    /// The most tasks of a project that were ever seen under way, and how often somebody looked.
    pub most_under_way: (i64, usize),
    /// Chains of tasks of which one was tainted.
    pub chains: usize,
    /// What is wrong; nothing, if all is well.
    pub violations: Vec<String>,
}

/// How the scene is to be.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Decides what clients do.
    pub seed: u64,
    /// Most tasks that are submitted.
    pub tasks: usize,
    /// How long the run will about take.
    pub time: Duration,
    /// Time of an attempt of work for agents, whose loss nobody announces.
    pub agent_seconds: u32,
    /// Whether each process has a network and a clock of its own that can be broken.
    pub breakable: bool,
}

impl Scene {
    /// Starts everything and waits until all are connected.
    pub async fn set(servers: &Servers, setting: Setting) -> Self {
        let stack = start(servers, setting).await;
        tap(&stack).await;
        let keys_count = keys_count(&stack).await;
        let outputs = std::env::temp_dir().join(format!("dats-faults-{}", uuid::Uuid::new_v4().simple()));
        let workers = [
            stack.worker(|settings| settings.output_dir = Some(outputs.clone())),
            stack.worker(|settings| {
                settings.worker_id = "second-stand-in-worker".to_owned();
                settings.output_dir = Some(outputs.clone());
            }),
        ];
        let (qa, agent) = (stack.qa(), agent(&stack));
        let watch = Watch::start(stack.gateway_database().url(), LIMIT);
        let sessions = checker::steady(&stack).await;
        let workload = Workload::start(&stack, setting);
        Self {
            stack,
            workload,
            keys_count,
            sessions,
            outputs,
            watch,
            _workers: workers,
            _qa: qa,
            _agent: agent,
        }
    }

    /// Waits until all is quiet and checks everything.
    pub async fn end(mut self, faults: usize, broken: &[Vec<u8>]) -> Outcome {
        let (promises, chains) = self.workload.finish().await;
        eprintln!("{} tasks were promised; waiting until all is quiet", promises.len());
        let evidence = Evidence {
            promises: &promises,
            chains: &chains,
            sessions: &self.sessions,
            keys_count: self.keys_count,
            broken,
            outputs: &self.outputs,
        };
        let mut violations = checker::check(&mut self.stack, &evidence).await;
        let (looks, most, over_limit) = self.watch.finish();
        violations.extend(over_limit);
        if looks == 0 {
            violations.push("nobody looked at the limits of the projects".to_owned());
        }
        if violations.is_empty() {
            // What stays of it is in the temporary folder.
            let _ = std::fs::remove_dir_all(&self.outputs);
        } else {
            self.stack.keep_logs();
        }
        Outcome {
            promised: promises.len(),
            faults,
            most_under_way: (most, looks),
            chains: chains.len(),
            violations,
        }
    }
}

/// Two replicas of each service, impatient enough for a test.
async fn start(servers: &Servers, setting: Setting) -> Stack {
    let gateways = [Role::Gateway, Role::SecondGateway];
    let plan = gateways.into_iter().fold(Plan::of(&ROLES), |plan, role| {
        plan.setting(role, "DATS_TASK_MANAGEMENT__MAX_CONCURRENT_PER_PROJECT", &LIMIT.to_string())
            .setting(role, "DATS_TASK_MANAGEMENT__RETRY__INITIAL_SECONDS", "0.2")
            .setting(role, "DATS_RECONCILERS__ADMISSION_MS", "1000")
    });
    let plan = if setting.breakable { plan.with_own_links().with_movable_clocks() } else { plan };
    plan.on(servers).start().await
}

/// Whether a request that is repeated under its idempotency key is answered as the first time.
async fn keys_count(stack: &Stack) -> bool {
    let client = stack.client();
    let task = serde_json::json!({ "description": "Write a function" });
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = client.request(reqwest::Method::POST, "/api/v1/tasks").json(&task);
        let answer = client.send(request.header("Idempotency-Key", "the same")).await;
        ids.push(answer.json["task_id"].clone());
    }
    ids[0] == ids[1]
}

/// A queue with copies of the latest events.
async fn tap(stack: &Stack) {
    let broker = stack.outsider().0;
    broker.declare_queue(TAP, &serde_json::json!({ "x-max-length": KEPT_EVENTS })).await;
    for exchange in ["task.events", "qa.events", "cascade.events"] {
        broker.bind_queue(TAP, exchange, "#").await;
    }
}

/// An agent that loses nothing itself, so that what is lost was lost by us.
fn agent(stack: &Stack) -> Agent {
    let mut settings = AgentSettings::new(stack.outsider().0.url());
    settings.concurrency = 8;
    settings.habits = Habits {
        acknowledges: Acknowledges::AfterWork,
        persistent_replies: true,
        heartbeat_interval: Duration::from_secs(1),
        ..Habits::default()
    };
    Agent::start(settings).expect("an agent")
}

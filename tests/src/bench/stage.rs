//! The services as they are measured: fresh databases and a fresh virtual host for every scenario, quiet logs, and no
//! limit on how many tasks a project may have under way.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_postgres::Client as Database;

use super::figures::{Findings, Quantity};
use super::load::{Connection, post};
use crate::{Plan, Role, Stack, measure};

/// Longest wait for anything that is not measured itself.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// The project that everything is submitted to.
pub const PROJECT: &str = "bench";

const POLL: Duration = Duration::from_millis(100);
/// Connections over which the tables are stocked.
const STOCKERS: usize = 32;

/// Running services.
pub struct Stage {
    /// They themselves.
    pub stack: Stack,
}

impl Stage {
    /// Starts these services.
    pub async fn start(roles: &[Role]) -> Self {
        Self::start_with_limit(roles, i32::MAX.unsigned_abs()).await
    }

    /// The same with a limit on how many tasks each project may have under way.
    pub async fn start_with_limit(roles: &[Role], most: u32) -> Self {
        let plan = roles.iter().fold(Plan::of(roles), |plan, &role| plan.setting(role, "LOG_LEVEL", "warn"));
        let limit = "DATS_TASK_MANAGEMENT__MAX_CONCURRENT_PER_PROJECT";
        Self { stack: plan.setting(Role::Gateway, limit, &most.to_string()).start().await }
    }

    /// Where the gateway listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let client = self.stack.client();
        let address = client.url().strip_prefix("http://").expect("an HTTP URL");
        address.parse().expect("an address")
    }

    /// The broker's URL with the virtual host.
    #[must_use]
    pub fn broker_url(&self) -> String {
        self.stack.outsider().0.url().to_owned()
    }

    /// Submits that many tasks and gives their ids.
    pub async fn stock(&self, tasks: usize) -> Vec<String> {
        let address = self.address();
        let share = |number: usize| tasks / STOCKERS + usize::from(number < tasks % STOCKERS);
        let ids = join_all((0..STOCKERS).map(|number| submit(address, share(number)))).await;
        ids.concat()
    }

    /// Submits these tasks together; their ids.
    pub async fn submit_batch(&self, tasks: Vec<Value>) -> Vec<String> {
        let body = json!({ "tasks": tasks });
        let mut connection = Connection::open(self.address()).await.expect("a connection to the gateway");
        let reply = connection.ask(&post("/api/v1/tasks/batch", &body.to_string())).await;
        let reply = reply.expect("an answer of the gateway");
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(reply.body));
        let answer: Value = serde_json::from_slice(reply.body).expect("JSON");
        let results = answer["results"].as_array().expect("results");
        let id = |result: &Value| result["task_id"].as_str().expect("a task_id").to_owned();
        results.iter().map(id).collect()
    }

    /// Waits until the gateway's table of tasks holds `tasks` in a phase.
    pub async fn phase_holds(&self, phase: &str, tasks: usize) {
        let database = self.stack.gateway_database().client().await;
        let count = format!("SELECT count(*) FROM tasks WHERE phase = '{phase}'");
        let what = format!("{tasks} tasks are {phase}");
        reaches(&database, &count, tasks as i64, &what).await;
    }

    /// The largest memory that each service had so far.
    #[must_use]
    pub fn memory(&self) -> Findings {
        let of = |role| match role {
            Role::Gateway | Role::SecondGateway => Quantity::GatewayMemory,
            Role::Routing | Role::SecondRouting => Quantity::RoutingMemory,
            Role::Provenance | Role::SecondProvenance => Quantity::ProvenanceMemory,
        };
        self.stack.running().map(|role| (of(role), measure::peak_mib(self.stack.pid(role)))).collect()
    }
}

/// Submits tasks one after another; their ids.
async fn submit(address: SocketAddr, tasks: usize) -> Vec<String> {
    let task = json!({ "description": "Write a function", "project_id": PROJECT });
    let request = post("/api/v1/tasks", &task.to_string());
    let mut connection = Connection::open(address).await.expect("a connection to the gateway");
    let mut ids = Vec::with_capacity(tasks);
    for _ in 0..tasks {
        let reply = connection.ask(&request).await.expect("an answer of the gateway");
        assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(reply.body));
        let answer: Value = serde_json::from_slice(reply.body).expect("JSON");
        ids.push(answer["task_id"].as_str().expect("a task_id").to_owned());
    }
    ids
}

/// Waits until a query that gives one number gives at least `least`.
///
/// # Panics
/// When it does not in [`PATIENCE`].
pub async fn reaches(database: &Database, query: &str, least: i64, what: &str) {
    let started = Instant::now();
    loop {
        let number = number(database, query).await;
        if number >= least {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}: {number}");
        tokio::time::sleep(POLL).await;
    }
}

/// The one number that a query gives; 0 when it gives no row or NULL.
pub async fn number(database: &Database, query: &str) -> i64 {
    let row = database.query_opt(query, &[]).await.expect("an answer of the database");
    row.and_then(|row| row.get::<_, Option<i64>>(0)).unwrap_or_default()
}

/// How fast a number grows from its first growth until it reaches `least`, a second.
///
/// # Panics
/// When it does not in [`PATIENCE`].
pub async fn growth_rate(database: &Database, query: &str, least: i64, what: &str) -> f64 {
    let started = Instant::now();
    let mut first = None;
    loop {
        let number = number(database, query).await;
        let now = Instant::now();
        if number > 0 {
            let (since, begin) = *first.get_or_insert((now, number));
            if number >= least {
                let seconds = (now - since).as_secs_f64().max(POLL.as_secs_f64());
                return (number - begin).max(1) as f64 / seconds;
            }
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}: {number}");
        tokio::time::sleep(POLL).await;
    }
}

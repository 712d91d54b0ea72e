//! One run: start everything, let the clients work, make things fail, wait until it is quiet, check.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use stand_ins::agent::{Acknowledges, Agent, AgentSettings, Habits};
use test_support::OwnServers;
use tokio::time::sleep;

use super::checker::{self, Evidence};
use super::fault::{self, Fault, ROLES};
use super::injector::Injector;
use super::watch::Watch;
use super::workload::Workload;
use crate::{Plan, Role, Stack};

/// Tasks that a project may have under way.
const LIMIT: i64 = 12;
/// Copies of events that are kept to be sent again.
const KEPT_EVENTS: u32 = 500;

/// How a run is to be.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// How long things fail; without, each fault of the short list comes once.
    pub time: Option<Duration>,
    /// Most tasks that are submitted.
    pub tasks: usize,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// Tasks that clients were promised.
    pub promised: usize,
    /// Faults that happened.
    pub faults: usize,
    /// The most tasks of one project that were seen under way, and how often was looked.
    pub most_under_way: (i64, usize),
    /// Everything that is wrong; nothing is, when it is empty.
    pub violations: Vec<String>,
}

/// Runs it. Says on standard error what happens when.
pub async fn run(order: Order) -> Outcome {
    let servers = OwnServers::start().await;
    let mut stack = start(&servers).await;
    let tap = tap(&stack).await;
    let keys_count = keys_count(&stack).await;
    let mut folder = std::env::temp_dir();
    folder.push(format!("dats-faults-{}", uuid::Uuid::new_v4().simple()));
    let _worker = stack.worker(|settings| settings.output_dir = Some(folder.clone()));
    let _second_worker = stack.worker(|settings| {
        settings.worker_id = "second-stand-in-worker".to_owned();
        settings.output_dir = Some(folder.clone());
    });
    let (_qa, _agent) = (stack.qa(), agent(&stack));
    let watch = Watch::start(stack.gateway_database().url(), LIMIT);
    let workload = Workload::start(&stack, order.seed, order.tasks);
    let mut injector = Injector::new(&servers, tap);
    let faults = make_things_fail(order, &workload, &mut injector, &mut stack).await;
    let promises = workload.finish().await;
    eprintln!("{} tasks were promised; waiting until all is quiet", promises.len());
    let evidence = Evidence { promises: &promises, keys_count, broken: &injector.broken, outputs: &folder };
    let mut violations = checker::check(&mut stack, &evidence).await;
    let (looks, most, over_limit) = watch.finish();
    violations.extend(over_limit);
    if looks == 0 {
        violations.push("nobody looked at the limits of the projects".to_owned());
    }
    // What stays of it is in the temporary folder.
    let _ = std::fs::remove_dir_all(&folder);
    Outcome { promised: promises.len(), faults, most_under_way: (most, looks), violations }
}

/// Two replicas of each service, impatient enough for a test.
async fn start(servers: &OwnServers) -> Stack {
    let gateways = [Role::Gateway, Role::SecondGateway];
    let plan = gateways.into_iter().fold(Plan::of(&ROLES), |plan, role| {
        plan.setting(role, "DATS_TASK_MANAGEMENT__MAX_CONCURRENT_PER_PROJECT", &LIMIT.to_string())
            .setting(role, "DATS_TASK_MANAGEMENT__RETRY__INITIAL_SECONDS", "0.2")
            .setting(role, "DATS_RECONCILERS__ADMISSION_MS", "1000")
    });
    plan.behind_proxies().on(servers).start().await
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
async fn tap(stack: &Stack) -> String {
    let (broker, queue) = (stack.outsider().0, "faults.tap");
    broker.declare_queue(queue, &serde_json::json!({ "x-max-length": KEPT_EVENTS })).await;
    for key in ["task.started", "task.output.created", "task.validated", "task.rejected", "task.failed"] {
        broker.bind_queue(queue, "task.events", key).await;
        broker.bind_queue(queue, "qa.events", key).await;
    }
    queue.to_owned()
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

/// Faults, one after another with pauses between them; how many.
async fn make_things_fail(
    order: Order,
    workload: &Workload,
    injector: &mut Injector<'_>,
    stack: &mut Stack,
) -> usize {
    let mut random = StdRng::seed_from_u64(order.seed);
    let list = fault::short_list(&mut random);
    let started = Instant::now();
    let mut count = 0;
    let mut next = list.into_iter();
    loop {
        let fault: Fault = match (next.next(), order.time) {
            (Some(fault), _) => fault,
            (None, Some(time)) if started.elapsed() < time => fault::any(&mut random),
            (None, _) => return count,
        };
        // Something is always under way when things fail.
        sleep(Duration::from_millis(random.random_range(300..1_500))).await;
        eprintln!("{:7.1} s, {:5} tasks: {fault}", started.elapsed().as_secs_f64(), workload.promised());
        injector.inject(fault, stack).await;
        count += 1;
    }
}

//! Live updates: many WebSockets, 200 changes a second, each of interest to some of them.

use std::sync::{Arc, Mutex};

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use protocol::events::TaskProgress;
use protocol::{Event, WireMessage};
use serde_json::{Value, json};

use super::Scenario;
use crate::bench::cast::{Cast, Diligence};
use crate::bench::clock::Moment;
use crate::bench::figures::{Findings, Quantity, Target, of_latencies};
use crate::bench::latencies::Latencies;
use crate::bench::load::pace;
use crate::bench::scale::Scale;
use crate::bench::stage::Stage;
use crate::watcher::Watcher;
use crate::{Client, Role};

const UPDATES_PER_SECOND: f64 = 200.0;
/// Subscribers of the same task.
const PER_TASK: usize = 20;
/// Sockets opened at the same time.
const AT_ONCE: usize = 100;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "live",
    operation: "WebSocket: 2,000 subscribers, 200 updates/s, 20 subscribers each",
    targets: &[(Quantity::P99, Target::Under(100.0)), (Quantity::GatewayMemory, Target::Under(100.0))],
    run,
    by_default: true,
};

type Times = Arc<Mutex<Latencies>>;

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        let cast = Cast::at(&stage);
        cast.worker(Diligence::Begins, |_| ());
        let ids = stage.stock(scale.subscribers.div_ceil(PER_TASK)).await;
        stage.phase_holds("executing", ids.len()).await;
        let client = stage.stack.client();
        let traces = join_all(ids.iter().map(|id| trace_of(&client, id))).await;
        let (times, from) = (Times::default(), Moment::now().after(scale.warm_up));
        let watchers = subscribe(&client, &traces, scale.subscribers).await;
        let each = ((scale.warm_up + scale.time).as_secs_f64() * UPDATES_PER_SECOND) as usize / ids.len();
        let total = (each * ids.len()) as u64;
        let readers: Vec<_> = watchers
            .into_iter()
            .map(|watcher| tokio::spawn(read(watcher, each, from, times.clone())))
            .collect();
        let mut due = pace(Moment::now(), UPDATES_PER_SECOND, total);
        while let Some((number, moment)) = due.recv().await {
            cast.publish(vec![update(&ids[number as usize % ids.len()], number, moment)]).await;
        }
        for reader in join_all(readers).await {
            reader.expect("every subscriber hears every update of its task");
        }
        let mut findings = of_latencies(&mut times.lock().expect("nobody panics with it"));
        findings.extend(stage.memory().into_iter().filter(|(of, _)| *of == Quantity::GatewayMemory));
        findings
    }
    .boxed()
}

async fn trace_of(client: &Client, id: &str) -> String {
    client.task(id).await["trace_id"].as_str().expect("a trace id").to_owned()
}

/// Opens all sockets and reads their snapshots.
async fn subscribe(client: &Client, traces: &[String], count: usize) -> Vec<Watcher> {
    let mut watchers = Vec::with_capacity(count);
    while watchers.len() < count {
        let next = watchers.len()..count.min(watchers.len() + AT_ONCE);
        let open = next.map(|number| async move {
            let path = format!("/ws/{}", traces[number % traces.len()]);
            let mut watcher = Watcher::open(client, &path).await;
            watcher.next().await;
            watcher
        });
        watchers.extend(join_all(open).await);
    }
    watchers
}

/// Hears so many updates.
async fn read(mut watcher: Watcher, updates: usize, from: Moment, times: Times) {
    let mut heard = 0;
    while heard < updates {
        let update = watcher.next().await;
        let due = update["progress"]["message"].as_str().and_then(Moment::find);
        let Some(due) = due else { continue };
        heard += 1;
        if due >= from {
            times.lock().expect("nobody panics with it").record(due.age());
        }
    }
}

fn update(id: &str, number: u64, moment: Moment) -> WireMessage {
    let percent = (number % 1_000) as f64 / 10.0;
    let progress: Value =
        json!({ "task_id": id, "attempt": 1, "percent": percent, "message": moment.stamp() });
    let progress: TaskProgress = serde_json::from_value(progress).expect("progress");
    Event::new("/bench", Utc::now(), progress).to_wire(None).expect("an event as JSON")
}

//! A crowd of agents: their heartbeats, their results, and the list of all of them.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stand_ins::agent::load::{self, LoadSettings};
use tokio::runtime::Handle;

use super::Scenario;
use crate::Role;
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::stage::{PATIENCE, Stage};

/// Messages sent a second; more than should be taken in, so that sending is not what limits.
const RATE: u32 = 7_000;
const LISTINGS: u32 = 40;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "agents",
    operation: "10,000 agents: heartbeats and results taken in, all of them listed",
    targets: &[
        (Quantity::Heartbeats, Target::AtLeast(5_000.0)),
        (Quantity::Results, Target::AtLeast(5_000.0)),
        (Quantity::ListP95, Target::Under(50.0)),
    ],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        let settings = LoadSettings {
            rabbitmq_url: stage.broker_url(),
            gateway_url: format!("http://{}", stage.address()),
            heartbeats: scale.agents * 5,
            agents: scale.agents,
            results: scale.agents * 2,
            rate: RATE,
            listings: LISTINGS,
            patience: PATIENCE,
        };
        // The compiler cannot see that the load may move between threads, so it keeps one.
        let runtime = Handle::current();
        let sent = tokio::task::spawn_blocking(move || runtime.block_on(load::run(&settings))).await;
        let report = sent.expect("no panic").expect("agents that are heard");
        let parts = [
            (Quantity::Heartbeats, report.heartbeats.map(|absorbed| absorbed.rate())),
            (Quantity::Results, report.results.map(|absorbed| absorbed.rate())),
            (Quantity::ListP95, report.listing.map(|listing| listing.p95.as_secs_f64() * 1e3)),
        ];
        parts.into_iter().filter_map(|(quantity, value)| Some((quantity, value?))).collect()
    }
    .boxed()
}

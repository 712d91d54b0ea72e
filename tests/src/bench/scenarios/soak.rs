//! A long run at full load, as many whole tasks as go without a growing backlog: does memory stay flat?

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Scenario;
use super::end_to_end::Way;
use crate::Role;
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::stage::Stage;
use crate::measure::usage;

const ROLES: [Role; 3] = [Role::Gateway, Role::Routing, Role::Provenance];
/// Memory is looked at so often in a quarter of the time.
const LOOKS: u32 = 20;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "soak",
    operation: "end to end for 20 minutes, at most 512 tasks under way",
    targets: &[
        (Quantity::Growth, Target::Under(15.0)),
        (Quantity::GatewayMemory, Target::Under(150.0)),
        (Quantity::RoutingMemory, Target::Under(150.0)),
        (Quantity::ProvenanceMemory, Target::Under(150.0)),
    ],
    run,
    by_default: false,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    let way = Way { connections: scale.connections as usize, most: scale.under_way, time: scale.soak };
    let time = scale.warm_up + scale.soak;
    way.measure(scale, async move |stage| vec![(Quantity::Growth, growth(stage, time).await)]).boxed()
}

/// The largest growth of any service from the median of the second quarter to the median of the last.
async fn growth(stage: &Stage, time: Duration) -> f64 {
    let started = Instant::now();
    let mut looks: Vec<[f64; 3]> = Vec::new();
    while started.elapsed() < time {
        tokio::time::sleep(time / 4 / LOOKS).await;
        looks.push(ROLES.map(|role| usage(stage.stack.pid(role)).resident_mib));
    }
    let quarter = looks.len() / 4;
    let median = |part: &[[f64; 3]], index: usize| {
        let mut values: Vec<f64> = part.iter().map(|look| look[index]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let grown =
        |index| median(&looks[quarter * 3..], index) - median(&looks[quarter..quarter * 2 + 1], index);
    (0..ROLES.len()).map(grown).fold(f64::MIN, f64::max)
}

//! A long run of whole tasks at a steady rate: does memory stay flat?

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Scenario, submit};
use crate::Role;
use crate::bench::cast::{Cast, Diligence};
use crate::bench::figures::{Findings, Quantity, Target, of_load};
use crate::bench::load::Load;
use crate::bench::scale::Scale;
use crate::bench::stage::Stage;
use crate::measure::usage;

const ROLES: [Role; 3] = [Role::Gateway, Role::Routing, Role::Provenance];
/// Whole tasks a second, as a multiple of the fixed rate.
const TIMES_FIXED_RATE: f64 = 2.0;
/// Memory is looked at so often in a quarter of the time.
const LOOKS: u32 = 20;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "soak",
    operation: "whole tasks at a steady 1,000/s for 20 minutes",
    targets: &[
        (Quantity::Growth, Target::Under(15.0)),
        (Quantity::GatewayMemory, Target::Under(150.0)),
        (Quantity::RoutingMemory, Target::Under(150.0)),
        (Quantity::ProvenanceMemory, Target::Under(150.0)),
        (Quantity::Failures, Target::Under(1.0)),
    ],
    run,
    by_default: false,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&ROLES).await;
        let cast = Cast::at(&stage);
        cast.worker(Diligence::Finishes, |_| ());
        cast.qa();
        let load = Load::new(stage.address(), scale.connections as usize, 201, submit::tasks());
        let loading = load.open(scale.fixed_rate * TIMES_FIXED_RATE, scale.warm_up, scale.soak);
        let (measured, growth) = tokio::join!(loading, growth(&stage, scale.warm_up + scale.soak));
        let mut findings = of_load(measured);
        findings.push((Quantity::Growth, growth));
        findings.extend(stage.memory());
        findings
    }
    .boxed()
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

//! From the submission to the worker's side: until a worker has `task.ready` in its hands.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use test_support::wait_until;

use super::{Scenario, submit};
use crate::Role;
use crate::bench::cast::{Cast, Diligence};
use crate::bench::clock::Moment;
use crate::bench::figures::{Findings, Quantity, Target, of_latencies};
use crate::bench::latencies::Latencies;
use crate::bench::load::Load;
use crate::bench::scale::Scale;
use crate::bench::stage::{PATIENCE, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "ready",
    operation: "submission to task.ready at the worker, fixed 500/s",
    targets: &[(Quantity::P50, Target::Under(6.0)), (Quantity::P99, Target::Under(30.0))],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        let cast = Cast::at(&stage);
        let times = Arc::new(Mutex::new(Latencies::default()));
        let seen = Arc::clone(&times);
        let from = Moment::now().after(scale.warm_up);
        cast.worker(Diligence::OnlyTakes, move |ready| {
            let due = Moment::find(&ready.description).filter(|due| *due >= from);
            if let Some(due) = due {
                seen.lock().expect("nobody panics with it").record(due.age());
            }
        });
        let load = Load::new(stage.address(), scale.connections as usize, 201, submit::tasks());
        let submitted = load.open(scale.fixed_rate, scale.warm_up, scale.time).await;
        let least = submitted.latencies.count();
        let arrived = || async { times.lock().expect("nobody panics with it").count() >= least };
        wait_until("every task has arrived", PATIENCE, arrived).await;
        of_latencies(&mut times.lock().expect("nobody panics with it"))
    }
    .boxed()
}

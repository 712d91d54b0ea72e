//! A long queue in each of many projects, worked off as slots become free.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Scenario;
use crate::Role;
use crate::bench::cast::{Cast, Diligence};
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::stage::{Stage, growth_rate, number};

const PROJECTS: usize = 100;
/// Tasks of a project that may be under way at once.
const LIMIT: u32 = 10;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "admission",
    operation: "10,000 tasks in the queues of 100 projects with 10 slots each, whole tasks a second",
    targets: &[(Quantity::Rate, Target::AtLeast(1_000.0)), (Quantity::Failures, Target::Under(1.0))],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start_with_limit(&[Role::Gateway, Role::Routing, Role::Provenance], LIMIT).await;
        let mut waiting = 0;
        while waiting < scale.queued {
            let many = (scale.queued - waiting).min(PROJECTS);
            let project = |place: usize| format!("queue-{}", place % PROJECTS);
            waiting += stage.submit_batch((0..many).map(|place| (project(place), Vec::new()))).await.len();
        }
        let cast = Cast::at(&stage);
        cast.qa();
        cast.worker(Diligence::Finishes, |_| {});
        let database = stage.stack.gateway_database().client().await;
        let done = "SELECT count(*) FROM tasks WHERE status = 'completed'";
        let rate = growth_rate(&database, done, waiting as i64, "all queues are worked off").await;
        let wrong = "SELECT (sum(active) + sum(waiting))::bigint FROM projects";
        vec![(Quantity::Rate, rate), (Quantity::Failures, number(&database, wrong).await as f64)]
    }
    .boxed()
}

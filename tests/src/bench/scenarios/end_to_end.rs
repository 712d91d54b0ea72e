//! The whole way of a task: submitted, routed, worked on, judged, completed, its record written. As many as go with a
//! bounded number under way, so that no backlog can grow, and one at a time.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Scenario, submit};
use crate::Role;
use crate::bench::cast::{Cast, Diligence, Ledger};
use crate::bench::clock::Moment;
use crate::bench::figures::{Findings, Quantity, Target, of_latencies};
use crate::bench::load::Load;
use crate::bench::scale::Scale;
use crate::bench::stage::{PATIENCE, Stage};

/// As many as go.
pub(super) const SUSTAINED: Scenario = Scenario {
    name: "end-to-end",
    operation: "end to end, at most 512 tasks under way",
    targets: &[
        (Quantity::Rate, Target::AtLeast(2_000.0)),
        (Quantity::GatewayMemory, Target::Under(150.0)),
        (Quantity::RoutingMemory, Target::Under(150.0)),
        (Quantity::ProvenanceMemory, Target::Under(150.0)),
    ],
    run: sustained,
    by_default: true,
};

/// One at a time.
pub(super) const ONE_IN_FLIGHT: Scenario = Scenario {
    name: "one-in-flight",
    operation: "end to end, one task at a time",
    targets: &[(Quantity::P50, Target::Under(10.0))],
    run: one_in_flight,
    by_default: true,
};

fn sustained(scale: Scale) -> BoxFuture<'static, Findings> {
    let way = Way { connections: scale.connections as usize, most: scale.under_way, time: scale.time };
    way.measure(scale, async |_| Vec::new()).boxed()
}

fn one_in_flight(scale: Scale) -> BoxFuture<'static, Findings> {
    let way = Way { connections: 1, most: 1, time: scale.time };
    way.measure(scale, async |_| Vec::new()).boxed()
}

/// How tasks are sent on their whole way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Connections that submit.
    pub(super) connections: usize,
    /// Most tasks under way.
    pub(super) most: usize,
    /// How long.
    pub(super) time: Duration,
}

impl Way {
    /// Sends tasks and measures them; `beside` looks at something else meanwhile.
    pub(super) async fn measure(
        self,
        scale: Scale,
        beside: impl AsyncFnOnce(&Stage) -> Findings,
    ) -> Findings {
        let stage = Stage::start(&[Role::Gateway, Role::Routing, Role::Provenance]).await;
        let cast = Cast::at(&stage);
        cast.qa();
        let ledger = Ledger::new(true, self.most, scale.warm_up, self.time);
        let books = ledger.clone();
        cast.worker(Diligence::Finishes, move |ready| {
            if let Some(due) = Moment::find(&ready.description) {
                books.begins(ready.task_id, due);
            }
        });
        let books = ledger.clone();
        let keys = ["task.status.completed", "provenance.recorded"];
        cast.listen(&stage, &keys, move |event| books.hear(event)).await;
        let mut load = Load::new(stage.address(), self.connections, 201, submit::tasks());
        load.permits = Some(ledger.permits());
        let (submitted, beside) = tokio::join!(load.closed(scale.warm_up, self.time), beside(&stage));
        assert_eq!(submitted.failures, 0, "{:?}", submitted.first_failure);
        ledger.settled(PATIENCE).await;
        let mut findings = vec![(Quantity::Rate, ledger.rate(self.time))];
        findings.extend(of_latencies(&mut ledger.latencies()));
        findings.extend(beside);
        findings.extend(stage.memory());
        findings
    }
}

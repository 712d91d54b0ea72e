//! Work by type for agents: from `POST /dispatch` until the task is completed.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::TaskId;
use uuid::Uuid;

use super::Scenario;
use crate::Role;
use crate::bench::cast::{Cast, Ledger};
use crate::bench::figures::{Findings, Quantity, Target, of_latencies, of_load};
use crate::bench::load::{Load, Requests, post};
use crate::bench::scale::Scale;
use crate::bench::stage::{PATIENCE, PROJECT, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "dispatch",
    operation: "POST /dispatch to an agent until completed, fixed 500/s",
    targets: &[(Quantity::P99, Target::Under(50.0))],
    run,
    by_default: true,
};

/// Only handed in, at the fixed rate.
pub(super) const FIXED: Scenario = Scenario {
    name: "dispatch-fixed",
    operation: "POST /dispatch at a fixed 500/s, 64 connections, an agent at work",
    targets: &[(Quantity::P95, Target::Under(20.0)), (Quantity::Failures, Target::Under(1.0))],
    run: fixed,
    by_default: true,
};

/// Only handed in, as fast as 64 callers go on.
pub(super) const CLOSED: Scenario = Scenario {
    name: "dispatch-closed",
    operation: "POST /dispatch, durable, 64 connections, an agent at work",
    targets: &[(Quantity::P95, Target::Under(20.0)), (Quantity::Failures, Target::Under(1.0))],
    run: closed,
    by_default: true,
};

fn fixed(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let (_stage, _cast, load) = with_agent(&scale).await;
        of_load(load.open(scale.fixed_rate, scale.warm_up, scale.time).await)
    }
    .boxed()
}

fn closed(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let (_stage, _cast, load) = with_agent(&scale).await;
        of_load(load.closed(scale.warm_up, scale.time).await)
    }
    .boxed()
}

/// What it takes until an agent has answered, and work to hand in.
async fn with_agent(scale: &Scale) -> (Stage, Cast, Load) {
    let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
    let cast = Cast::at(&stage);
    cast.agent();
    let ledger = Ledger::new(false, 0, scale.warm_up, scale.time);
    let load = Load::new(stage.address(), scale.connections as usize, 200, work(ledger));
    (stage, cast, load)
}

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing, Role::Provenance]).await;
        let cast = Cast::at(&stage);
        cast.agent();
        let ledger = Ledger::new(false, 0, scale.warm_up, scale.time);
        let books = ledger.clone();
        cast.listen(&stage, &["task.status.completed"], move |event| books.hear(event)).await;
        let load = Load::new(stage.address(), scale.connections as usize, 200, work(ledger.clone()));
        let submitted = load.open(scale.fixed_rate, scale.warm_up, scale.time).await;
        assert_eq!(submitted.failures, 0, "{:?}", submitted.first_failure);
        ledger.settled(PATIENCE).await;
        of_latencies(&mut ledger.latencies())
    }
    .boxed()
}

/// Work with ids of our own, known to the books before it is submitted.
fn work(ledger: Arc<Ledger>) -> Requests {
    Arc::new(move |_, moment| {
        let task_id = Uuid::new_v4();
        ledger.begins(TaskId(task_id), moment);
        let work = format!(
            "{{\"task_id\":\"{task_id}\",\"work_type\":\"echo\",\"parameters\":{{\"message\":\"hello\"}},\"project_id\":\"{PROJECT}\"}}"
        );
        post("/api/v1/dispatch", &work)
    })
}

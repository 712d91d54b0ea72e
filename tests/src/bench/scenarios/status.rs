//! `GET /tasks/{task_id}` of tasks at random.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Scenario;
use crate::Role;
use crate::bench::figures::{Findings, Floor, Quantity, Target, of_load};
use crate::bench::load::{Load, get};
use crate::bench::scale::Scale;
use crate::bench::stage::Stage;

/// A step through the stock that visits all of it in an order without order.
const STRIDE: u64 = 7_919;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "status",
    operation: "GET /tasks/{task_id}, 64 connections",
    targets: &[
        (Quantity::Rate, Target::TimesFloor(0.5, Floor::PointSelect)),
        (Quantity::P95, Target::Under(10.0)),
        (Quantity::P99, Target::Under(10.0)),
        (Quantity::Failures, Target::Under(1.0)),
    ],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        measure(&stage, &scale).await
    }
    .boxed()
}

/// The same on services that run already.
pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Findings {
    let ids = stage.stock(scale.stock).await;
    stage.phase_holds("ready", ids.len()).await;
    let requests: Vec<_> = ids.iter().map(|id| get(&format!("/api/v1/tasks/{id}"))).collect();
    let pick = move |number: u64, _| {
        let index = number.wrapping_mul(STRIDE) % requests.len() as u64;
        requests[index as usize].clone()
    };
    let load = Load::new(stage.address(), scale.connections as usize, 200, Arc::new(pick));
    of_load(load.closed(scale.warm_up, scale.time).await)
}

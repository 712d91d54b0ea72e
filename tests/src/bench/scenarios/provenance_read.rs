//! `GET /provenance/{id}` of records at random: the gateway asks the provenance-store over the broker.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Scenario;
use crate::Role;
use crate::bench::cast::{Cast, Diligence};
use crate::bench::figures::{Findings, Quantity, Target, of_load};
use crate::bench::load::{Load, get};
use crate::bench::scale::Scale;
use crate::bench::stage::{Stage, reaches};

/// How many records there are, without counting them.
pub(super) const RECORDS: &str = "SELECT sum(records)::bigint FROM project_counters";
/// A step through the stock that visits all of it in an order without order.
const STRIDE: u64 = 7_919;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "provenance-read",
    operation: "GET /provenance/{task_id} through request/reply, 64 connections",
    targets: &[
        (Quantity::Rate, Target::AtLeast(8_000.0)),
        (Quantity::P99, Target::Under(20.0)),
        (Quantity::Failures, Target::Under(1.0)),
    ],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing, Role::Provenance]).await;
        let cast = Cast::at(&stage);
        cast.worker(Diligence::Finishes, |_| ());
        let ids = stage.stock(scale.stock).await;
        let database = stage.stack.provenance_database().client().await;
        reaches(&database, RECORDS, ids.len() as i64, "the records are written").await;
        let requests: Vec<_> = ids.iter().map(|id| get(&format!("/api/v1/provenance/{id}"))).collect();
        let pick = move |number: u64, _| {
            let index = number.wrapping_mul(STRIDE) % requests.len() as u64;
            requests[index as usize].clone()
        };
        let load = Load::new(stage.address(), scale.connections as usize, 200, Arc::new(pick));
        of_load(load.closed(scale.warm_up, scale.time).await)
    }
    .boxed()
}

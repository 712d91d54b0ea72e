//! `POST /tasks/batch` of 100 tasks.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Scenario;
use crate::Role;
use crate::bench::figures::{Findings, Quantity, Target, of_load};
use crate::bench::load::{Load, post};
use crate::bench::scale::Scale;
use crate::bench::stage::{PROJECT, Stage};

const BATCH: usize = 100;
const CONNECTIONS: usize = 16;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "batch",
    operation: "POST /tasks/batch of 100, 16 connections; rate in tasks",
    targets: &[(Quantity::Rate, Target::AtLeast(30_000.0)), (Quantity::Failures, Target::Under(1.0))],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        let task = format!("{{\"description\":\"Write a function\",\"project_id\":\"{PROJECT}\"}}");
        let request =
            post("/api/v1/tasks/batch", &format!("{{\"tasks\":[{}]}}", vec![task; BATCH].join(",")));
        let load = Load::new(stage.address(), CONNECTIONS, 200, Arc::new(move |_, _| request.clone()));
        let mut findings = of_load(load.closed(scale.warm_up, scale.time).await);
        for (quantity, value) in &mut findings {
            if *quantity == Quantity::Rate {
                *value *= BATCH as f64;
            }
        }
        findings
    }
    .boxed()
}

//! `POST /tasks/batch`: many batches of 100 tasks at the same time, and one of 1,000 after another.

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
/// As many as one batch may hold.
const LARGEST: usize = 1_000;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "batch",
    operation: "POST /tasks/batch of 100, 16 connections; rate in tasks",
    targets: &[(Quantity::Rate, Target::AtLeast(30_000.0)), (Quantity::Failures, Target::Under(1.0))],
    run: many,
    by_default: true,
};

/// One caller, who waits for each answer.
pub(super) const LARGE: Scenario = Scenario {
    name: "batch-large",
    operation: "POST /tasks/batch of 1,000, one after another; rate in tasks",
    targets: &[(Quantity::P95, Target::Under(150.0)), (Quantity::Failures, Target::Under(1.0))],
    run: large,
    by_default: true,
};

fn many(scale: Scale) -> BoxFuture<'static, Findings> {
    measure(scale, BATCH, CONNECTIONS).boxed()
}

fn large(scale: Scale) -> BoxFuture<'static, Findings> {
    measure(scale, LARGEST, 1).boxed()
}

async fn measure(scale: Scale, tasks: usize, connections: usize) -> Findings {
    let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
    let task = format!("{{\"description\":\"Write a function\",\"project_id\":\"{PROJECT}\"}}");
    let request = post("/api/v1/tasks/batch", &format!("{{\"tasks\":[{}]}}", vec![task; tasks].join(",")));
    let load = Load::new(stage.address(), connections, 200, Arc::new(move |_, _| request.clone()));
    let mut findings = of_load(load.closed(scale.warm_up, scale.time).await);
    for (quantity, value) in &mut findings {
        if *quantity == Quantity::Rate {
            *value *= tasks as f64;
        }
    }
    findings
}

//! `POST /tasks` with the routing-engine taking the tasks in: as fast as it goes, and at a fixed rate.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Scenario;
use crate::Role;
use crate::bench::figures::{Findings, Floor, Quantity, Target, of_load};
use crate::bench::load::{Load, Requests, post};
use crate::bench::scale::Scale;
use crate::bench::stage::{PROJECT, Stage};

/// As fast as it goes.
pub(super) const CLOSED: Scenario = Scenario {
    name: "submit",
    operation: "POST /tasks, durable, 64 connections",
    targets: &[
        (Quantity::Rate, Target::TimesFloor(1.2, Floor::TaskAndOutbox)),
        (Quantity::P50, Target::Under(8.0)),
        (Quantity::P99, Target::Under(80.0)),
        (Quantity::Failures, Target::Under(1.0)),
        (Quantity::GatewayMemory, Target::Under(150.0)),
        (Quantity::RoutingMemory, Target::Under(150.0)),
    ],
    run: closed,
    by_default: true,
};

/// At the fixed rate.
pub(super) const FIXED: Scenario = Scenario {
    name: "submit-fixed",
    operation: "POST /tasks at a fixed 500/s",
    targets: &[
        (Quantity::P50, Target::Under(3.0)),
        (Quantity::P99, Target::Under(15.0)),
        (Quantity::Failures, Target::Under(1.0)),
    ],
    run: fixed,
    by_default: true,
};

/// Tasks whose description tells the moment when they were meant to be submitted.
pub(super) fn tasks() -> Requests {
    Arc::new(|_, moment| {
        let stamp = moment.stamp();
        let task = format!("{{\"description\":\"Write a function {stamp}\",\"project_id\":\"{PROJECT}\"}}");
        post("/api/v1/tasks", &task)
    })
}

fn closed(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        measure(&stage, &scale).await
    }
    .boxed()
}

/// As many as go, on services that run already.
pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Findings {
    let load = Load::new(stage.address(), scale.connections as usize, 201, tasks());
    let mut findings = of_load(load.closed(scale.warm_up, scale.time).await);
    findings.extend(stage.memory());
    findings
}

fn fixed(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        let load = Load::new(stage.address(), scale.connections as usize, 201, tasks());
        of_load(load.open(scale.fixed_rate, scale.warm_up, scale.time).await)
    }
    .boxed()
}

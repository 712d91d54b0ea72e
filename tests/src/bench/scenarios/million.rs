//! The same figures with a million tasks in the tables, and lists, which only then have something to find.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Scenario, status, submit};
use crate::Role;
use crate::bench::crowd::{PROJECTS, fill};
use crate::bench::figures::{Findings, Quantity, Target, of_load};
use crate::bench::load::{Load, get};
use crate::bench::scale::Scale;
use crate::bench::stage::Stage;

/// Lists asked for a second.
const LISTS_A_SECOND: f64 = 100.0;

/// Submissions.
pub(super) const SUBMIT: Scenario = Scenario {
    name: "million-submit",
    operation: "POST /tasks with 1,000,000 tasks in the tables",
    targets: &[(Quantity::Failures, Target::Under(1.0))],
    run: submissions,
    by_default: false,
};

/// Single tasks.
pub(super) const STATUS: Scenario = Scenario {
    name: "million-status",
    operation: "GET /tasks/{task_id} with 1,000,000 tasks in the tables",
    targets: &[(Quantity::Failures, Target::Under(1.0))],
    run: single_tasks,
    by_default: false,
};

/// Lists, with every filter in turn.
pub(super) const LISTS: Scenario = Scenario {
    name: "million-lists",
    operation: "GET /tasks with every filter in turn, 100/s, 1,000,000 tasks in the tables",
    targets: &[(Quantity::P95, Target::Under(20.0)), (Quantity::Failures, Target::Under(1.0))],
    run: lists,
    by_default: false,
};

fn submissions(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        fill(&stage, scale.crowd).await;
        submit::measure(&stage, &scale).await
    }
    .boxed()
}

fn single_tasks(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing]).await;
        fill(&stage, scale.crowd).await;
        status::measure(&stage, &scale).await
    }
    .boxed()
}

fn lists(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway]).await;
        fill(&stage, scale.crowd).await;
        let pick = |number: u64, _| {
            let filters = filters(number);
            let filter = &filters[(number as usize / 3) % filters.len()];
            get(&format!("/api/v1/tasks?limit=50{filter}"))
        };
        let load = Load::new(stage.address(), scale.connections as usize, 200, Arc::new(pick));
        of_load(load.open(LISTS_A_SECOND, scale.warm_up, scale.time).await)
    }
    .boxed()
}

/// Filters as people combine them, each with some value.
fn filters(number: u64) -> Vec<String> {
    let project = format!("crowd-{}", number % PROJECTS as u64);
    let tier = ["tiny", "small", "large", "frontier"][number as usize % 4];
    vec![
        String::new(),
        format!("&project_id={project}"),
        "&status=failed".to_owned(),
        "&status=pending,running".to_owned(),
        "&phase=executing".to_owned(),
        format!("&tier={tier}"),
        "&domain=analysis".to_owned(),
        "&tag=nightly".to_owned(),
        format!("&project_id={project}&status=cancelled"),
        format!("&project_id={project}&tier={tier}&status=failed"),
        "&created_after=2020-01-01T00:00:00Z".to_owned(),
        "&created_before=2020-01-01T00:00:00Z".to_owned(),
        "&offset=1000".to_owned(),
    ]
}

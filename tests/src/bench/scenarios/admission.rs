//! A long queue in each of many projects, worked off as slots become free.

use futures_util::FutureExt;
use serde_json::json;

use super::Scenario;
use crate::Role;
use crate::bench::cast::{Cast, Diligence};
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::stage::{Stage, growth_rate, number};

const PROJECTS: usize = 100;
/// Tasks of a project that may be under way at once.
const LIMIT: u32 = 10;

const TARGETS: &[(Quantity, Target)] =
    &[(Quantity::Rate, Target::AtLeast(1_000.0)), (Quantity::Failures, Target::Under(1.0))];

/// With everything that a task goes through.
pub(super) const WHOLE: Scenario = Scenario {
    name: "admission",
    operation: "10,000 tasks in the queues of 100 projects with 10 slots each, whole tasks a second",
    targets: TARGETS,
    run: |scale| work_off(scale, &[Role::Gateway, Role::Routing, Role::Provenance], "consensus").boxed(),
    by_default: true,
};

/// With what makes a task complete and no more: whether admission keeps up when completions come that fast.
pub(super) const ALONE: Scenario = Scenario {
    name: "admission-alone",
    operation: "the same without QA and provenance: an output completes its task",
    targets: TARGETS,
    run: |scale| work_off(scale, &[Role::Gateway, Role::Routing], "none").boxed(),
    by_default: true,
};

async fn work_off(scale: Scale, roles: &[Role], qa_profile: &str) -> Findings {
    let stage = Stage::start_with_limit(roles, LIMIT).await;
    let mut waiting = 0;
    while waiting < scale.queued {
        let many = (scale.queued - waiting).min(PROJECTS);
        let task = |place: usize| {
            json!({
                "description": "Write a function",
                "project_id": format!("queue-{}", place % PROJECTS),
                "options": { "qa_profile": qa_profile },
            })
        };
        waiting += stage.submit_batch((0..many).map(task).collect()).await.len();
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

//! Tasks that wait for one another: ten layers, each task for two of the layer before.

use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::Scenario;
use crate::Role;
use crate::bench::cast::{Cast, Diligence};
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::stage::{PROJECT, Stage, reaches};

const LAYERS: usize = 10;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "layers",
    operation: "1,000 tasks in ten layers, each waits for two of the layer before, whole tasks a second",
    // At most five milliseconds for each.
    targets: &[(Quantity::Rate, Target::AtLeast(200.0))],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Routing, Role::Provenance]).await;
        let cast = Cast::at(&stage);
        cast.qa();
        cast.worker(Diligence::Finishes, |_| {});
        let begun = Instant::now();
        let mut layer: Vec<String> = Vec::new();
        for _ in 0..LAYERS {
            let below = |place: usize| match layer.len() {
                0 => Vec::new(),
                many => vec![layer[place % many].clone(), layer[(place + 1) % many].clone()],
            };
            let task = |place| json!({ "description": "Write a function", "project_id": PROJECT, "depends_on": below(place) });
            let tasks = (0..scale.layer).map(task).collect();
            layer = stage.submit_batch(tasks).await;
        }
        let total = LAYERS * scale.layer;
        let database = stage.stack.gateway_database().client().await;
        let done = "SELECT count(*) FROM tasks WHERE status = 'completed'";
        reaches(&database, done, total as i64, "all layers are completed").await;
        vec![(Quantity::Rate, total as f64 / begun.elapsed().as_secs_f64())]
    }
    .boxed()
}

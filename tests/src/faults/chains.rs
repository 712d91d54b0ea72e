//! A client that builds work on work, taints a part of it, and keeps a log of what was made from what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::submitter::Submitter;
use super::workload::{Kind, Promise};

/// Where its tasks are; a project of its own, so that their number says nothing about the others.
pub const PROJECT: &str = "faults-chains";

const PAUSE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(200);
/// A task that takes longer is left to the checker.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tasks that build on each other, one of which was tainted when all were done.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Each task with those whose artifacts it was made from.
    pub made_from: BTreeMap<String, Vec<String>>,
    /// What each task made.
    pub artifacts: BTreeMap<String, String>,
    /// The task whose artifact was tainted.
    pub tainted: String,
}

/// Builds chains until told to stop: what was promised, and the chains that are complete and tainted.
pub(super) async fn build_until(
    mut submitter: Submitter,
    stop: Arc<AtomicBool>,
) -> (Vec<Promise>, Vec<Chain>) {
    let (mut promises, mut chains) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        if let Some(chain) = build(&mut submitter, &stop, &mut promises).await {
            chains.push(chain);
        }
        sleep(PAUSE).await;
    }
    (promises, chains)
}

/// A root, two tasks that build on it, and one that builds on both; `None` when there is no time for all of it.
async fn build(submitter: &mut Submitter, stop: &AtomicBool, promises: &mut Vec<Promise>) -> Option<Chain> {
    let mut chain = Chain { made_from: BTreeMap::new(), artifacts: BTreeMap::new(), tainted: String::new() };
    let root = add(submitter, &mut chain, promises, json!({}), &[]).await;
    chain.artifacts.insert(root.clone(), artifact_of(submitter, &root, stop).await?);
    // Once by the task's name and once by its artifact's: both ways lead to the same edges.
    let left = add(submitter, &mut chain, promises, json!({ "depends_on": [root] }), &[&root]).await;
    let inputs = json!({ "inputs": [{ "artifact_id": chain.artifacts[&root] }] });
    let right = add(submitter, &mut chain, promises, inputs, &[&root]).await;
    let top =
        add(submitter, &mut chain, promises, json!({ "depends_on": [left, right] }), &[&left, &right]).await;
    for task in [&left, &right, &top] {
        chain.artifacts.insert(task.clone(), artifact_of(submitter, task, stop).await?);
    }
    chain.tainted = if submitter.random.random_bool(0.5) { left } else { root };
    let path = format!("/api/v1/provenance/{}/taint", chain.artifacts[&chain.tainted]);
    let reason = json!({ "reason": "found to be wrong", "severity": "high" });
    // Its record may not be written yet.
    submitter.insist(&path, 202, &reason, &[404]).await;
    Some(chain)
}

async fn add(
    submitter: &mut Submitter,
    chain: &mut Chain,
    promises: &mut Vec<Promise>,
    uses: Value,
    sources: &[&String],
) -> String {
    let number = submitter.random.random_range(0..1_000_000);
    let mut body = json!({ "description": format!("Write function {number}"), "project_id": PROJECT });
    for (name, value) in uses.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let answer = submitter.insist("/api/v1/tasks", 201, &body, &[]).await;
    let task_id = answer["task_id"].as_str().expect("a task_id").to_owned();
    promises.push(Promise { task_id: task_id.clone(), kind: Kind::Plain });
    chain.made_from.insert(task_id.clone(), sources.iter().map(|&source| source.clone()).collect());
    task_id
}

/// What a task made, once it is completed.
async fn artifact_of(submitter: &mut Submitter, task_id: &str, stop: &AtomicBool) -> Option<String> {
    let started = Instant::now();
    while !stop.load(Ordering::Relaxed) && started.elapsed() < PATIENCE {
        let task = submitter.look(&format!("/api/v1/tasks/{task_id}")).await;
        if let Some(task) = task.filter(|task| task["status"] == "completed") {
            return task["artifacts"][0]["id"].as_str().map(str::to_owned);
        }
        sleep(POLL).await;
    }
    None
}

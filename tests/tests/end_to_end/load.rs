//! A load of tasks while something fails, and the proof that nothing of it was lost or done twice.

use std::collections::BTreeMap;
use std::time::Duration;

use end_to_end::{Client, Stack};
use futures_util::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use test_support::wait_for;

/// Time for all of them.
pub(crate) const LOAD_TIME: Duration = Duration::from_secs(180);

/// Submits the load with several clients at once. What gets no answer is submitted again, as a client would.
pub(crate) async fn submit_many(client: Client, project: &'static str, tasks: usize) -> Vec<String> {
    stream::iter(0..tasks)
        .map(|number| {
            let client = client.clone();
            async move { accepted(&client, project, number).await }
        })
        .buffer_unordered(8)
        .collect()
        .await
}

async fn accepted(client: &Client, project: &str, number: usize) -> String {
    let marker = if number.is_multiple_of(10) { " [reject-once]" } else { "" };
    let body = json!({ "description": format!("Write function {number}{marker}"), "project_id": project });
    wait_for("a task is accepted", LOAD_TIME, || async {
        let request = client.request(Method::POST, "/api/v1/tasks").json(&body);
        let answer = client.try_send(request).await.filter(|answer| answer.status == 201)?;
        answer.json["task_id"].as_str().map(ToOwned::to_owned)
    })
    .await
}

/// Waits until nothing of a project is under way and at least so many tasks are completed.
pub(crate) async fn all_completed(client: &Client, project: &str, tasks: usize) {
    let what = format!("every task of {project} completed");
    wait_for(&what, LOAD_TIME, || async {
        let answer = client.get(&format!("/projects/{project}/status")).await;
        let counts = &answer.json["by_status"];
        let open = counts["pending"].as_u64()? + counts["running"].as_u64()?;
        (open == 0 && counts["completed"].as_u64()? >= tasks as u64).then_some(())
    })
    .await;
}

/// How many verdicts were applied in each attempt.
fn verdicts(history: &[Value]) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for entry in history {
        let is_verdict = entry["event"] == "task.validated" || entry["event"] == "task.rejected";
        if is_verdict && entry["outcome"] == "applied" {
            *counts.entry(entry["attempt"].as_u64().unwrap()).or_default() += 1;
        }
    }
    counts
}

/// Checks every task that was accepted: completed, one verdict for each attempt, its record there; no dead letters.
pub(crate) async fn assert_nothing_lost(stack: &Stack, project: &str, task_ids: &[String]) {
    let client = stack.client();
    for task_id in task_ids {
        let task = client.ended(task_id).await;
        assert_eq!(task["status"], "completed", "{task:#}");
        let history = client.history(task_id).await;
        let verdicts = verdicts(&history);
        assert_eq!(verdicts.len() as u64, task["attempt"].as_u64().unwrap(), "{history:#?}");
        assert!(verdicts.values().all(|&count| count == 1), "{history:#?}");
        client.record_when(task_id, "passed").await;
    }
    let counts = client.counts(project).await;
    assert_eq!((&counts["failed"], &counts["cancelled"]), (&json!(0), &json!(0)));
    let outsider = stack.outsider();
    for queue in ["orchestration-events", "routing-events", "provenance-events"] {
        assert_eq!(outsider.depth(&format!("{queue}.dead")).await, 0, "dead letters of {queue}");
    }
}

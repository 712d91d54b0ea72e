//! What operators and reviewers do from the command: pause, look who works and why nobody does, answer reviews, see
//! failures, and look after messages that could not be processed.

use end_to_end::client::TASK_TIME;
use end_to_end::{Client, Outsider, Plan};
use serde_json::{Value, json};
use test_support::wait_until;

use super::dats::Dats;
use crate::operations::{GATEWAY_DEAD, WORKER_QUEUE, in_review};

/// Hands in a task for the smallest tier; its id.
async fn submit(dats: &Dats, project: &str) -> String {
    let pinned = ["--tier", "tiny", "--domain", "code-general"];
    let arguments = [["submit", "Write a function", "-p", project].as_slice(), &pinned].concat();
    dats.tells(&arguments).await.trim().to_owned()
}

#[tokio::test]
async fn what_is_paused_says_so_and_goes_on_when_it_is_resumed() {
    let stack = Plan::new().start().await;
    let (dats, client, outsider) = (Dats::of(&stack), stack.client(), stack.outsider());
    dats.tells(&["project", "create", "web"]).await;
    dats.tells(&["pause", "--project", "web", "--reason", "moving house"]).await;
    dats.tells(&["pause", "--tier", "tiny"]).await;
    let (of_project, of_tier) = (submit(&dats, "web").await, submit(&dats, "app").await);
    let why = dats.tells(&["why", &of_project]).await;
    assert!(why.contains("moving house") && why.contains("dats resume --project web"), "{why}");
    let why = dats.tells(&["why", &of_tier]).await;
    assert!(why.contains("tier tiny is paused") && why.contains("dats resume --tier tiny"), "{why}");
    let list = dats.tells(&["list", "--status", "pending"]).await;
    assert_eq!(list.matches("submitted (pause)").count(), 2, "{list}");
    let project = dats.tells(&["project", "status", "web"]).await;
    assert!(project.contains("moving house"), "{project}");
    let top = dats.tells(&["top", "-n", "1"]).await;
    assert!(top.contains("2 waiting") && top.contains("submitted (pause)"), "{top}");
    assert_eq!(dats.run(&["pause"]).await.exit, 2);
    assert_eq!(dats.run(&["pause", "--project", "none"]).await.exit, 3);

    dats.tells(&["resume", "--tier", "tiny"]).await;
    client.in_phase(&of_tier, "ready").await;
    let why = dats.tells(&["why", &of_tier]).await;
    assert!(why.contains("nobody takes from task.ready.tiny"), "{why}");
    let queues = dats.tells(&["queues"]).await;
    assert!(queues.contains(WORKER_QUEUE), "{queues}");
    let workers = dats.tells(&["workers"]).await;
    assert!(workers.starts_with("no workers\n"), "{workers}");
    assert_eq!(outsider.begin_work(WORKER_QUEUE, "by-hand").await["task_id"], json!(of_tier));
    wait_until("the worker is known", TASK_TIME, || async {
        client.get("/workers").await.json["total_active"] == 1
    })
    .await;
    let workers = dats.tells(&["workers"]).await;
    assert!(workers.contains("by-hand") && workers.contains(&of_tier), "{workers}");
    dats.tells(&["resume", "--project", "web"]).await;
    client.in_phase(&of_project, "ready").await;
}

#[tokio::test]
async fn reviews_are_answered_failures_explained_and_dead_letters_looked_after() {
    let stack = Plan::new().start().await;
    let (dats, client, outsider) = (Dats::of(&stack), stack.client(), stack.outsider());
    let task_id = answer_reviews(&dats, &client, &outsider).await;
    explain_a_failure(&dats, &client, &outsider, &task_id).await;
    look_after_dead_letters(&dats, &outsider).await;
}

/// Asks for changes to one output and approves another; the first task is at its second attempt then.
async fn answer_reviews(dats: &Dats, client: &Client, outsider: &Outsider<'_>) -> String {
    assert!(dats.tells(&["review", "list"]).await.starts_with("no reviews\n"));
    let task_id = in_review(client, outsider, "r/1").await;
    let listed = dats.tells(&["review", "list", "--project", "reviewed"]).await;
    assert!(listed.contains("r/1") && listed.contains("unsure"), "{listed}");
    let shown = dats.tells(&["review", "show", "r/1"]).await;
    assert!(shown.contains("Is it safe?") && shown.contains("dats review approve r/1"), "{shown}");
    let why = dats.tells(&["why", &task_id]).await;
    assert!(why.contains("a person's judgement") && why.contains("dats review show r/1"), "{why}");
    let changes = ["--guidance", "Nearly", "--change", "Add a test"];
    dats.tells(&[["review", "request-changes", "r/1"].as_slice(), &changes].concat()).await;
    let again = dats.run(&["review", "approve", "r/1"]).await;
    assert!(again.exit == 2 && again.err.contains("dats review show"), "{again:?}");
    let unknown = dats.run(&["review", "reject", "r/2", "--reason", "no"]).await;
    assert!(unknown.exit == 3 && unknown.err.contains("dats review list"), "{unknown:?}");
    task_id
}

/// The second attempt gets the feedback and fails for good; another one is asked for.
async fn explain_a_failure(dats: &Dats, client: &Client, outsider: &Outsider<'_>, task_id: &str) {
    assert!(dats.tells(&["failures"]).await.starts_with("no failures\n"));
    let ready = outsider.begin_work(WORKER_QUEUE, "by-hand").await;
    assert_eq!((&ready["attempt"], &ready["feedback"][0]["message"]), (&json!(2), &json!("Nearly")));
    let error = json!({ "code": "BROKEN", "message": "no disk", "retryable": false });
    let failed = json!({ "task_id": task_id, "attempt": 2, "error": error });
    outsider.tell("task.events", "task.failed", &failed).await;
    client.ended(task_id).await;
    let failures = dats.tells(&["failures", "--last", "1"]).await;
    assert!(failures.contains(task_id) && failures.contains("no disk"), "{failures}");
    let why = dats.tells(&["why", task_id]).await;
    assert!(why.contains("attempt 2: no disk") && why.contains(&format!("dats retry {task_id}")), "{why}");
    let retried = dats.tells(&["retry", task_id]).await;
    assert!(retried.contains("attempt 3"), "{retried}");
    let history = dats.tells(&["history", task_id, "--all"]).await;
    assert!(history.contains("review.completed") && history.contains("task.failed"), "{history}");
}

async fn look_after_dead_letters(dats: &Dats, outsider: &Outsider<'_>) {
    assert!(dats.tells(&["dead", "list"]).await.starts_with("no dead letters\n"));
    let spoiled = json!({ "task_id": 7, "note": "spoiled in transit" });
    outsider.tell_as("spoiled", "task.events", "task.started", &spoiled).await;
    outsider.depth_becomes(GATEWAY_DEAD, 1).await;
    let listed = dats.tells(&["dead", "list", "--queue", GATEWAY_DEAD]).await;
    assert!(listed.contains("spoiled") && listed.contains("not understood"), "{listed}");
    let shown = dats.tells(&["dead", "show", "spoiled"]).await;
    assert!(shown.contains("spoiled in transit") && shown.contains("dats dead redrive spoiled"), "{shown}");
    let letter = dats.run(&["dead", "show", "spoiled", "--json"]).await.json();
    let body: Value = serde_json::from_str(letter["body"]["content"].as_str().unwrap()).unwrap();
    assert_eq!((body, &letter["body"]["encoding"]), (spoiled, &json!("text")));
    assert_eq!(
        (&letter["exchange"], &letter["routing_key"]),
        (&json!("task.events"), &json!("task.started"))
    );
    assert_eq!(dats.run(&["dead", "show", "nothing"]).await.exit, 3);

    let trial = dats.tells(&["dead", "redrive", "spoiled", "--dry-run"]).await;
    assert!(trial.contains("1 would be chosen"), "{trial}");
    let driven = dats.tells(&["dead", "redrive", "spoiled"]).await;
    assert!(driven.contains("1 put back"), "{driven}");
    // It is as little understood as before, and comes back.
    let is_back = || async { outsider.depth(GATEWAY_DEAD).await == 1 };
    wait_until("the letter is back", TASK_TIME, is_back).await;
    assert_eq!(dats.run(&["dead", "purge"]).await.exit, 2);
    assert_eq!(dats.run(&["dead", "purge", "--all"]).await.exit, 2, "it must be meant");
    let purged = dats.tells(&["dead", "purge", "--all", "--yes"]).await;
    assert!(purged.contains("1 deleted"), "{purged}");
}

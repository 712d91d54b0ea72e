//! What operators and reviewers do, over REST: answer questions, pause, look at workers, queues, failures and dead letters.

use end_to_end::client::TASK_TIME;
use end_to_end::{Client, Outsider, Plan};
use serde_json::{Value, json};
use test_support::wait_for;

pub(crate) const WORKER_QUEUE: &str = "task.ready.tiny";
pub(crate) const GATEWAY_DEAD: &str = "orchestration-events.dead";

fn tiny(project: &str) -> Value {
    let options = json!({ "tier": "tiny", "domain": "code-general" });
    json!({ "description": "Write a function", "project_id": project, "options": options })
}

/// A task whose output a person is asked about.
pub(crate) async fn in_review(client: &Client, outsider: &Outsider<'_>, review: &str) -> String {
    let task_id = client.submit(&tiny("reviewed")).await;
    let ready = outsider.begin_work(WORKER_QUEUE, "by-hand").await;
    let output = json!({
        "task_id": task_id, "attempt": ready["attempt"], "artifact_id": "a-1", "worker_id": "by-hand",
        "output": { "artifacts": [{ "artifact_id": "a-1", "type": "code", "path": "src/lib.rs" }] },
    });
    outsider.tell("task.events", "task.output.created", &output).await;
    client.in_phase(&task_id, "validating").await;
    let asked = json!({
        "review_id": review, "task_id": task_id, "reason": "unsure", "specific_questions": ["Is it safe?"],
    });
    outsider.tell("qa.events", "review.requested", &asked).await;
    client.in_phase(&task_id, "in_review").await;
    task_id
}

#[tokio::test]
async fn a_person_answers_a_review_once_and_everybody_hears_of_it() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let heard = outsider.0.tap("qa.events", "review.completed").await;
    let task_id = in_review(&client, &outsider, "r/1").await;

    let needed = client.task(&task_id).await["human_actions_needed"].clone();
    assert_eq!(needed, json!([{ "review_id": "r/1", "type": "qa", "summary": "unsure" }]));
    let listed = client.get("/reviews?project_id=reviewed").await.json;
    assert_eq!((&listed["total"], &listed["reviews"][0]["review_id"]), (&json!(1), &json!("r/1")));
    let shown = client.get("/reviews/r%2F1").await.json;
    assert_eq!(shown["context"]["output_summary"], "src/lib.rs (code)");
    assert_eq!(shown["context"]["specific_questions"], json!(["Is it safe?"]));
    assert_eq!(shown["options"].as_array().map(Vec::len), Some(3));

    let incomplete = client.post("/reviews/r%2F1/request-changes", &json!({})).await;
    assert_eq!((incomplete.status, incomplete.bad_fields()), (400, vec!["guidance"]));
    let changes = json!({ "guidance": "Nearly", "required_changes": ["Add a test"] });
    let answered = client.post("/reviews/r%2F1/request-changes", &changes).await;
    assert_eq!((answered.status, &answered.json["status"]), (200, &json!("changes_requested")));
    let event = outsider.0.next_message(&heard).await.body_json();
    let data = &event["data"];
    assert_eq!(
        (&data["task_id"], &data["attempt"], &data["decision"]),
        (&json!(task_id), &json!(1), &json!("changes_requested"))
    );
    let again = client.post("/reviews/r%2F1/approve", &json!({})).await;
    assert_eq!((again.status, &again.json["error_code"]), (400, &json!(2006)));
    let unknown = client.post("/reviews/r2/reject", &json!({ "reason": "no" })).await;
    assert_eq!((unknown.status, &unknown.json["error_code"]), (404, &json!(2007)));

    let next = outsider.begin_work(WORKER_QUEUE, "by-hand").await;
    assert_eq!((&next["attempt"], &next["feedback"][0]["message"]), (&json!(2), &json!("Nearly")));
    // The verdict is about what was looked at, although the task went on before anybody heard of it.
    let record = client.record_when(&task_id, "failed").await;
    assert_eq!((&record["attempt"], &record["verification"]["source"]), (&json!(1), &json!("review")));
    let output = json!({ "task_id": task_id, "artifact_id": "a-2", "worker_id": "by-hand" });
    outsider.tell("task.events", "task.output.created", &output).await;
    assert_eq!(client.record_when(&task_id, "pending").await["attempt"], 2);
    assert_eq!(client.get("/reviews").await.json["total"], 0);
}

#[tokio::test]
async fn a_paused_project_or_tier_releases_nothing_until_it_is_resumed() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    client.post("/projects", &json!({ "name": "web" })).await;
    let paused = client.post("/projects/web/pause", &json!({ "reason": "moving" })).await;
    assert_eq!((paused.status, &paused.json["paused"]["reason"]), (200, &json!("moving")));
    let tier = client.post("/tiers/tiny/pause", &json!({})).await;
    assert_eq!(tier.status, 200, "{}", tier.text);
    let (of_project, of_tier) = (client.submit(&tiny("web")).await, client.submit(&tiny("app")).await);
    for id in [&of_project, &of_tier] {
        let task = client.task(id).await;
        assert_eq!((&task["phase"], &task["waiting_for"]["reason"]), (&json!("submitted"), &json!("pause")));
    }
    assert_eq!(client.get("/projects/web/status").await.json["paused"]["reason"], "moving");
    assert_eq!(client.get("/tiers").await.json["tiers"][0]["tier"], "tiny");
    assert!(!client.get("/tiers").await.json["tiers"][0]["paused"].is_null());
    let part = client.get("/tiers?limit=1&offset=1").await.json;
    assert_eq!((part["tiers"].as_array().unwrap().len(), &part["tiers"][0]["tier"]), (1, &json!("small")));
    assert_eq!(client.post("/tiers/huge/pause", &json!({})).await.json["error_code"], 1006);
    assert_eq!(client.post("/projects/none/pause", &json!({})).await.json["error_code"], 3001);

    client.post("/tiers/tiny/resume", &json!({})).await;
    assert_eq!(outsider.begin_work(WORKER_QUEUE, "by-hand").await["task_id"], json!(of_tier));
    client.post("/projects/web/resume", &json!({})).await;
    assert_eq!(outsider.begin_work(WORKER_QUEUE, "by-hand").await["task_id"], json!(of_project));
}

#[tokio::test]
async fn no_task_comes_into_the_queue_of_a_paused_tier_whoever_decides_where_it_goes() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    for tier in ["tiny", "small", "large", "frontier"] {
        assert_eq!(client.post(&format!("/tiers/{tier}/pause"), &json!({})).await.status, 200);
    }
    let task_id = client.submit_text("web", "Fix a typo in the README").await;
    let held = client
        .task_when(&task_id, "withheld by routing", TASK_TIME, |task| {
            task["waiting_for"]["reason"] == "pause" && task["tier"].is_string()
        })
        .await;
    assert_eq!(
        (&held["status"], &held["error"], &held["errors"]),
        (&json!("pending"), &json!(null), &json!([]))
    );
    let tier = held["tier"].as_str().unwrap().to_owned();
    let queue = format!("task.ready.{tier}");
    assert_eq!(outsider.depth(&queue).await, 0);
    let history = client.history(&task_id).await;
    let withheld = history.iter().find(|line| line["event"] == "task.routing.failed").unwrap();
    let reason = format!("tier {tier} is paused");
    assert_eq!((&withheld["outcome"], &withheld["reason"]), (&json!("applied"), &json!(reason)));

    client.post(&format!("/tiers/{tier}/resume"), &json!({})).await;
    let ready = outsider.begin_work(&queue, "by-hand").await;
    assert_eq!((&ready["task_id"], &ready["attempt"]), (&json!(task_id), &json!(2)));
}

#[tokio::test]
async fn operators_see_workers_queues_and_failures() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let task_id = client.submit(&tiny("web")).await;
    let ready = outsider.begin_work(WORKER_QUEUE, "by-hand").await;
    let active = wait_for("an active worker", TASK_TIME, || async {
        let workers = client.get("/workers").await.json;
        (workers["total_active"] == 1).then_some(workers)
    })
    .await;
    let worker = &active["workers"][0];
    assert_eq!((&worker["worker_id"], &worker["current_task"]), (&json!("by-hand"), &json!(task_id)));
    assert_eq!((&worker["status"], &worker["tier"]), (&json!("active"), &json!("tiny")));

    let queues = client.get("/queues").await.json;
    let queue =
        |name: &str| queues["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == name).cloned();
    assert_eq!(queue("orchestration-events").unwrap()["consumers"], 1);
    assert_eq!(queue(GATEWAY_DEAD).unwrap()["depth"], 0);

    let error = json!({ "code": "BROKEN", "message": "no disk", "retryable": false });
    let failed = json!({ "task_id": task_id, "attempt": ready["attempt"], "error": error });
    outsider.tell("task.events", "task.failed", &failed).await;
    client.ended(&task_id).await;
    let failures = client.get("/failures?last=1").await.json;
    assert_eq!(failures["total"], 1);
    let failure = &failures["failures"][0];
    assert_eq!((&failure["task_id"], &failure["error"]), (&json!(task_id), &json!("BROKEN: no disk")));
    assert_eq!(client.get("/failures?last=0").await.bad_fields(), ["last"]);
}

#[tokio::test]
async fn dead_letters_are_listed_driven_again_and_deleted() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let task_id = client.submit(&tiny("web")).await;
    outsider.tell_as("spoiled", "task.events", "task.started", &json!({ "task_id": 7 })).await;
    // What somebody else gave up, and would be understood now.
    let started = json!({ "task_id": task_id, "worker_id": "late" });
    outsider.tell_as("good", "dats.dead", "orchestration-events", &started).await;
    outsider.depth_becomes(GATEWAY_DEAD, 2).await;

    let listed = client.get(&format!("/dead-letters?queue={GATEWAY_DEAD}")).await.json;
    let find = |id: &str| {
        listed["dead_letters"].as_array().unwrap().iter().find(|letter| letter["id"] == id).cloned()
    };
    let spoiled = find("spoiled").unwrap();
    assert_eq!((&spoiled["event"], &spoiled["queue"]), (&json!("task.started"), &json!(GATEWAY_DEAD)));
    assert!(spoiled["reason"].as_str().unwrap().contains("not understood"), "{spoiled}");
    assert!(spoiled["age_seconds"].is_number());
    assert_eq!(client.get("/dead-letters?queue=nothing").await.bad_fields(), ["queue"]);

    let trial = json!({ "ids": ["spoiled"], "dry_run": true });
    let tried = client.post("/dead-letters/redrive", &trial).await.json;
    assert_eq!((&tried["matched"], &tried["redriven"]), (&json!(1), &json!(0)));
    assert_eq!(client.post("/dead-letters/redrive", &json!({})).await.bad_fields(), ["ids"]);
    let driven = client.post("/dead-letters/redrive", &json!({ "ids": ["spoiled"] })).await.json;
    assert_eq!((&driven["matched"], &driven["redriven"]), (&json!(1), &json!(1)));
    // It is as little understood as before, and comes back.
    outsider.depth_becomes(GATEWAY_DEAD, 2).await;

    let all = json!({ "filter": { "queue": GATEWAY_DEAD } });
    assert_eq!(client.post("/dead-letters/purge", &all).await.bad_fields(), ["confirm"]);
    let confirmed = json!({ "filter": { "queue": GATEWAY_DEAD }, "confirm": true });
    let purged = client.post("/dead-letters/purge", &confirmed).await.json;
    assert_eq!((&purged["matched"], &purged["purged"]), (&json!(2), &json!(2)));
    assert_eq!(client.get("/dead-letters").await.json["dead_letters"], json!([]));
}

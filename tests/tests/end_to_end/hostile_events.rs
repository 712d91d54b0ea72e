//! Malformed, unknown, duplicate, late and out-of-order events: they change nothing and are lost nowhere.

use std::time::Duration;

use end_to_end::client::TASK_TIME;
use end_to_end::{Client, Outsider, Plan};
use serde_json::{Value, json};
use test_support::wait_for;
use uuid::Uuid;

/// Dead letters of the gateway's event queue.
const GATEWAY_DEAD: &str = "orchestration-events.dead";
const WORKER_QUEUE: &str = "task.ready.tiny";

/// Submits a task for the tiny tier and plays its worker up to `task.started`.
async fn begun(client: &Client, outsider: &Outsider<'_>, project: &str) -> String {
    let options = json!({ "tier": "tiny", "domain": "code-general" });
    let body = json!({ "description": "Write a function", "project_id": project, "options": options });
    let task_id = client.submit(&body).await;
    outsider.begin_work(WORKER_QUEUE, "by-hand").await;
    client.in_phase(&task_id, "executing").await;
    task_id
}

fn output(task_id: &str, attempt: u32) -> Value {
    json!({
        "task_id": task_id, "attempt": attempt, "artifact_id": format!("artifact-{attempt}"),
        "output": { "content": "x" }, "worker_id": "by-hand",
    })
}

/// The entry of the history that ignores `event`.
async fn ignored(client: &Client, task_id: &str, event: &str, count: usize) -> Vec<Value> {
    let what = format!("{count} ignored {event}");
    wait_for(&what, TASK_TIME, || async {
        let history = client.history(task_id).await;
        let entries: Vec<Value> = history
            .into_iter()
            .filter(|entry| entry["event"] == event && entry["outcome"] == "ignored")
            .collect();
        (entries.len() >= count).then_some(entries)
    })
    .await
}

#[tokio::test]
async fn what_is_no_event_goes_to_the_dead_letters_with_the_reason_and_work_goes_on() {
    let stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let (client, outsider) = (stack.client(), stack.outsider());
    let malformed: [(&str, &[u8]); 8] = [
        ("task.started", b"not json"),
        ("task.started", b"\xff\xfe\x00"),
        ("task.started", b""),
        ("task.started", b"[]"),
        ("task.started", b"{}"),
        ("task.started", br#"{"task_id": 7}"#),
        ("task.failed", br#"{"task_id": "not-a-uuid", "error": "x"}"#),
        ("task.progress", br#"{"specversion":"1.0","type":"dats.task.exploded","data":{}}"#),
    ];
    for (key, body) in malformed {
        outsider.publish("task.events", key, body).await;
    }
    outsider.depth_becomes(GATEWAY_DEAD, 8).await;
    for _ in 0..8 {
        let dead = outsider.0.next_message(GATEWAY_DEAD).await;
        assert!(dead.headers.get("x-dats-reason").is_some_and(|reason| !reason.is_empty()), "{dead:?}");
        assert_eq!(dead.headers["x-dats-original-exchange"], "task.events", "{dead:?}");
    }

    // Every queue that a malformed event reaches keeps it for itself.
    outsider.publish("task.events", "task.output.created", b"{}").await;
    outsider.publish("task.events", "task.created", b"{}").await;
    for queue in ["provenance-events", "routing-events", "qa.task-output", "orchestration-events"] {
        let dead = outsider.0.next_message(&format!("{queue}.dead")).await;
        assert_eq!(dead.body, b"{}", "{queue}: {dead:?}");
    }

    outsider.tell("task.events", "task.exploded", &json!({ "task_id": Uuid::now_v7() })).await;
    outsider.depth_becomes("dats.unrouted", 1).await;

    let task_id = client.submit_text("hostile", "Write a function all the same").await;
    assert_eq!(client.ended(&task_id).await["status"], "completed");
    outsider.depth_becomes(GATEWAY_DEAD, 0).await;
}

#[tokio::test]
async fn repeated_and_late_events_change_nothing_and_are_kept_in_the_history() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let task_id = begun(&client, &outsider, "repeated").await;
    let same = Uuid::new_v4().to_string();
    for _ in 0..3 {
        outsider.tell_as(&same, "task.events", "task.output.created", &output(&task_id, 1)).await;
    }
    client.in_phase(&task_id, "validating").await;
    let rejection =
        json!({ "task_id": task_id, "artifact_id": "artifact-1", "issues": ["too short"], "attempt": 1 });
    outsider.tell("qa.events", "task.rejected", &rejection).await;
    // The verdict on the first attempt stands, whatever is said of it later.
    let again = outsider.begin_work(WORKER_QUEUE, "by-hand").await;
    assert_eq!((&again["task_id"], &again["attempt"]), (&json!(task_id), &json!(2)));
    assert_eq!(
        (&again["feedback"][0]["source"], &again["feedback"][0]["attempt"]),
        (&json!("qa"), &json!(1))
    );
    client.in_phase(&task_id, "executing").await;
    let late = json!({ "task_id": task_id, "artifact_id": "artifact-1", "attempt": 1 });
    outsider.tell("qa.events", "task.validated", &late).await;
    let entries = ignored(&client, &task_id, "task.validated", 1).await;
    assert!(entries[0]["reason"].as_str().unwrap().contains("attempt 1"), "{entries:?}");
    assert_eq!(client.task(&task_id).await["phase"], "executing");

    outsider.tell("task.events", "task.output.created", &output(&task_id, 2)).await;
    client.in_phase(&task_id, "validating").await;
    let verdict = json!({ "task_id": task_id, "artifact_id": "artifact-2", "attempt": 2 });
    let same = Uuid::new_v4().to_string();
    for exchange in ["qa.events", "qa.events", "task.events"] {
        outsider.tell_as(&same, exchange, "task.validated", &verdict).await;
    }
    assert_eq!(client.ended(&task_id).await["status"], "completed");
    let contrary = json!({ "task_id": task_id, "artifact_id": "artifact-2", "attempt": 2, "issues": ["no"] });
    outsider.tell("qa.events", "task.rejected", &contrary).await;
    outsider.tell("task.events", "task.failed", &json!({ "task_id": task_id, "error": "late" })).await;
    ignored(&client, &task_id, "task.rejected", 1).await;
    ignored(&client, &task_id, "task.failed", 1).await;

    let task = client.task(&task_id).await;
    assert_eq!(
        (&task["status"], &task["attempt"], &task["error"]),
        (&json!("completed"), &json!(2), &Value::Null)
    );
    let history = client.history(&task_id).await;
    let count = |event: &str| history.iter().filter(|entry| entry["event"] == event).count();
    // Events of the same id appear once, applied or not.
    assert_eq!((count("task.output.created"), count("task.validated"), count("task.rejected")), (2, 2, 2));
    assert_eq!(client.record_when(&task_id, "passed").await["attempt"], 2);
    assert_eq!(outsider.depth(GATEWAY_DEAD).await, 0);
}

#[tokio::test]
async fn events_that_overtake_each_other_lead_to_the_same_end() {
    let stack = Plan::new().start().await;
    let (client, outsider) = (stack.client(), stack.outsider());
    let task_id = begun(&client, &outsider, "overtaken").await;
    let verdict = json!({ "task_id": task_id, "artifact_id": "artifact-1", "attempt": 1 });
    outsider.tell("qa.events", "task.validated", &verdict).await;
    outsider.tell("task.events", "task.output.created", &output(&task_id, 1)).await;
    // The verdict waits for the output it is about; it is tried again after a second.
    assert_eq!(client.ended(&task_id).await["status"], "completed");
    outsider.tell("task.events", "task.started", &json!({ "task_id": task_id, "attempt": 1 })).await;
    ignored(&client, &task_id, "task.started", 1).await;
    assert_eq!(client.task(&task_id).await["status"], "completed");

    // Nobody knows this task yet, but it may be on its way: the event is put aside, not thrown away.
    let stranger = Uuid::now_v7();
    outsider.tell("task.events", "task.started", &json!({ "task_id": stranger, "worker_id": "w" })).await;
    let aside = "the event about an unknown task is put aside";
    wait_for(aside, Duration::from_secs(10), || async {
        let mut waiting = 0;
        for delay in [1, 5, 30] {
            waiting += outsider.depth(&format!("orchestration-events.retry.{delay}s")).await;
        }
        (waiting == 1).then_some(())
    })
    .await;
    // Work that did not come through the gateway is welcome in provenance.
    let outside = json!({
        "task_id": stranger, "artifact_id": "outside/artifact", "output": { "content": "x" }, "worker_id": "w",
    });
    outsider.tell("task.events", "task.output.created", &outside).await;
    let record = client.record_when("outside%2Fartifact", "pending").await;
    assert_eq!((&record["task_id"], &record["attempt"]), (&json!(stranger), &json!(1)));
}

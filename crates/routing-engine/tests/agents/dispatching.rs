//! Work on its way to agents.

use std::time::Duration;

use protocol::RequestId;
use protocol::events::TaskCreated;
use protocol::vocabulary::Priority;
use serde_json::json;
use test_support::{PATIENCE, wait_until};

use crate::lane::{Lane, cancelled, created, data, due_in, task};

const DEAD_LETTERS: &str = "dlx_queue";

#[tokio::test(flavor = "multi_thread")]
async fn work_by_type_reaches_the_work_queue_and_is_told_as_dispatched() {
    let lane = Lane::start(&[]).await;
    let told = lane.broker.tap("task.events", "task.dispatched").await;
    let task = due_in(Duration::from_secs(600), TaskCreated { priority: Priority::High, ..task("echo") });
    let event = created(task.clone());
    lane.publish(&event).await;

    let message = lane.broker.next_message("work_queue").await;
    assert_eq!((message.priority, message.persistent), (Some(4), true));
    assert_eq!(message.content_type.as_deref(), Some("application/json"));
    assert_eq!(message.correlation_id, Some(task.task_id.to_string()));
    let waits_ms: u64 = message.expiration.as_deref().unwrap().parse().unwrap();
    assert!((500_000..=600_000).contains(&waits_ms), "not after its deadline: {waits_ms}");
    let body = message.body_json();
    assert_eq!(body["message_id"].as_str(), message.message_id.as_deref());
    assert_eq!(body["type"], "work_request");
    assert_eq!((&body["from_agent"], &body["to_agent"]), (&json!("orchestrator"), &json!("infra")));
    assert_eq!(body["request_id"], json!(task.request_id));
    assert_eq!(body["trace_id"], json!(event.trace_id));
    assert_eq!(body["priority"], 4);
    assert_eq!(
        body["payload"],
        json!({
            "task_id": task.task_id, "work_type": "echo", "parameters": { "message": "hello" },
            "hints": { "max_duration_seconds": body["payload"]["hints"]["max_duration_seconds"] },
        })
    );
    assert!((598..=600).contains(&body["payload"]["hints"]["max_duration_seconds"].as_i64().unwrap()));

    let dispatched = lane.broker.next_message(&told).await;
    assert_eq!(
        data(&dispatched),
        json!({
            "task_id": task.task_id, "attempt": 1, "request_id": task.request_id, "agent_type": "infra",
            "queue": "work_queue",
        })
    );
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivery_repeats_the_request_and_a_new_attempt_has_new_ids() {
    let lane = Lane::start(&[]).await;
    let told = lane.broker.tap("task.events", "task.dispatched").await;
    let first = task("code_review");
    let event = created(first.clone());
    lane.publish(&event).await;
    lane.publish(&event).await;
    let (once, twice) =
        (lane.broker.next_message("work_queue").await, lane.broker.next_message("work_queue").await);
    assert_eq!((&once.message_id, &once.body), (&twice.message_id, &twice.body));
    let (told_once, told_twice) =
        (lane.broker.next_message(&told).await, lane.broker.next_message(&told).await);
    assert_eq!(told_once.message_id, told_twice.message_id);
    assert_eq!(data(&told_once)["agent_type"], "code");

    let retried = TaskCreated { attempt: 2, request_id: RequestId::generate(), ..first };
    lane.publish(&created(retried.clone())).await;
    let again = lane.broker.next_message("work_queue").await;
    assert_eq!(again.body_json()["request_id"], json!(retried.request_id));
    assert_ne!(again.message_id, once.message_id);
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_urgent_work_is_first_in_the_queue() {
    let lane = Lane::start(&[]).await;
    for priority in [Priority::Low, Priority::Normal, Priority::Critical, Priority::High] {
        lane.publish(&created(TaskCreated { priority, ..task("echo") })).await;
    }
    wait_until("all four to wait", PATIENCE, || async {
        lane.broker.queue_depth("work_queue").await == Some(4)
    })
    .await;
    for expected in [5, 4, 3, 2] {
        let message = lane.broker.next_message("work_queue").await;
        assert_eq!((message.priority, &message.body_json()["priority"]), (Some(expected), &json!(expected)));
    }
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_setting_only_urgent_work_survives_a_restart_of_the_broker() {
    let lane = Lane::start(&[("DATS_AGENTS__PERSISTENCE", "high_priority_only")]).await;
    for (priority, persistent) in [
        (Priority::Low, false),
        (Priority::Normal, false),
        (Priority::High, true),
        (Priority::Critical, true),
    ] {
        lane.publish(&created(TaskCreated { priority, ..task("echo") })).await;
        assert_eq!(lane.broker.next_message("work_queue").await.persistent, persistent, "{priority}");
    }
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_past_its_deadline_is_kept_aside_and_never_worked_on() {
    let lane = Lane::start(&[]).await;
    let late = due_in(Duration::from_millis(1), task("echo"));
    lane.publish(&created(late.clone())).await;
    let kept = lane.broker.next_message(DEAD_LETTERS).await;
    assert_eq!(kept.body_json()["payload"]["task_id"], json!(late.task_id));
    assert_eq!(kept.header("x-first-death-reason"), Some("expired"));
    assert_eq!(lane.broker.queue_depth("work_queue").await, Some(0));
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_the_queue_and_everybody_who_listens_and_its_answer_is_about_no_task() {
    let lane = Lane::start(&[]).await;
    let announced = lane.broker.tap("broadcast_exchange", "").await;
    let failures = lane.broker.tap("task.events", "task.failed").await;
    let task = task("slow_echo");
    let event = cancelled(&task);
    lane.publish(&event).await;
    let (queued, heard) =
        (lane.broker.next_message("work_queue").await, lane.broker.next_message(&announced).await);
    assert_eq!(queued.body, heard.body);
    assert_eq!(queued.priority, Some(5));
    let body = queued.body_json();
    assert_eq!(body["payload"]["work_type"], "cancel");
    assert_eq!(body["payload"]["parameters"], json!({ "task_id": task.task_id }));
    assert_ne!(body["payload"]["task_id"], json!(task.task_id));
    assert_eq!(body["trace_id"], json!(event.trace_id));

    // As agents answer that know no such work; then, for comparison, about a task.
    let answer = |task_id| {
        json!({ "type": "work_result", "payload": {
            "task_id": task_id, "status": "failed", "error_message": "Unknown work type: cancel",
        } })
    };
    lane.reply(answer(body["payload"]["task_id"].clone()).to_string()).await;
    lane.reply(answer(json!(task.task_id)).to_string()).await;
    assert_eq!(data(&lane.broker.next_message(&failures).await)["task_id"], json!(task.task_id));
    assert_eq!(lane.broker.queue_depth(&failures).await, Some(0));
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_nobody_listens_to_is_no_trouble() {
    let lane = Lane::start(&[]).await;
    lane.publish(&cancelled(&task("echo"))).await;
    lane.broker.next_message("work_queue").await;
    lane.publish(&created(task("echo"))).await;
    assert_eq!(lane.broker.next_message("work_queue").await.body_json()["payload"]["work_type"], "echo");
    lane.stop().await;
}

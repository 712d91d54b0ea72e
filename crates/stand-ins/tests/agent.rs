//! The agent on a real broker, without any service: the test plays the orchestrator that it was made for.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use serde_json::{Value, json};
use stand_ins::agent::{Acknowledges, Agent, AgentSettings, CancelHabit, Habits, Identity};
use test_support::{Message, PATIENCE, TestBroker, wait_for, wait_until};
use uuid::Uuid;

const WORK: &str = "work_queue";
const REPLIES: &str = "reply_queue";

/// An agent with its broker, at work.
async fn agent(habits: Habits) -> (TestBroker, Agent) {
    let broker = TestBroker::create("agent").await;
    let agent = join(&broker, habits).await;
    (broker, agent)
}

async fn join(broker: &TestBroker, habits: Habits) -> Agent {
    let before = broker.consumer_count(WORK).await.unwrap_or(0);
    let agent = Agent::start(AgentSettings { habits, ..AgentSettings::new(broker.url()) }).unwrap();
    wait_until("the agent to take work", PATIENCE, || async {
        broker.consumer_count(WORK).await.is_some_and(|consumers| consumers > before)
    })
    .await;
    agent
}

fn request(work_type: &str, parameters: &Value) -> Value {
    json!({
        "protocol_version": "1.0", "message_id": Uuid::new_v4(), "from_agent": "orchestrator",
        "to_agent": "infra", "timestamp": "2026-11-21T09:30:15.000000Z", "trace_id": Uuid::new_v4(),
        "request_id": Uuid::new_v4(), "type": "work_request", "priority": 4, "x_custom_fields": {},
        "payload": {
            "task_id": Uuid::new_v4(), "work_type": work_type, "parameters": parameters, "hints": {},
        },
    })
}

async fn send(broker: &TestBroker, request: &Value) {
    broker.publish(Message::json("", WORK, request)).await;
}

async fn next_result(broker: &TestBroker) -> Value {
    loop {
        let reply = broker.next_message(REPLIES).await.body_json();
        if reply["type"] == "work_result" {
            return reply;
        }
    }
}

/// Both queues as the management API sees them: nothing ready, nothing unacknowledged.
async fn all_acknowledged(broker: &TestBroker) {
    wait_until("every request to be acknowledged", PATIENCE, || async {
        let queue = broker.management(&format!("queues/{}/{WORK}", broker.vhost())).await;
        queue["messages"] == json!(0)
    })
    .await;
}

fn slow(milliseconds: u64) -> Habits {
    Habits { slow_echo: Duration::from_millis(milliseconds), progress_steps: 0, ..Habits::default() }
}

#[tokio::test]
async fn work_is_answered_as_real_agents_answer() {
    let (broker, agent) = agent(Habits::default()).await;
    let echo = request("echo", &json!({ "message": "hi" }));
    send(&broker, &echo).await;
    let reply = broker.next_message(REPLIES).await;
    assert!(!reply.persistent, "a restart of the broker loses replies");
    assert_eq!((reply.message_type.as_deref(), reply.correlation_id.as_deref()), (None, None));
    assert_eq!(reply.message_id.as_ref().unwrap().len(), 32);
    let body = reply.body_json();
    for repeated in ["trace_id", "request_id", "priority"] {
        assert_eq!(body[repeated], echo[repeated], "{repeated}");
    }
    assert!(!body["timestamp"].as_str().unwrap().ends_with('Z'), "{}", body["timestamp"]);
    let payload = &body["payload"];
    assert_eq!(payload["task_id"], echo["payload"]["task_id"]);
    assert_eq!((&payload["status"], &payload["exit_code"]), (&json!("completed"), &json!(0)));
    assert_eq!((&payload["output"], &payload["error_message"]), (&json!("Echo: hi"), &Value::Null));

    send(&broker, &request("fail", &json!({ "error_message": "boom" }))).await;
    let failed = next_result(&broker).await["payload"].clone();
    assert_eq!((&failed["status"], &failed["error_message"]), (&json!("failed"), &json!("boom")));
    send(&broker, &request("cancel", &json!({}))).await;
    let unknown = next_result(&broker).await["payload"].clone();
    assert_eq!(unknown["error_message"], "Unknown work type: cancel");
    all_acknowledged(&broker).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_request_id_that_is_known_is_answered_with_the_first_answer() {
    let (broker, agent) = agent(Habits::default()).await;
    let first = request("echo", &json!({ "message": "once" }));
    let mut second = request("echo", &json!({ "message": "twice" }));
    second["request_id"] = first["request_id"].clone();
    send(&broker, &first).await;
    next_result(&broker).await;
    send(&broker, &second).await;
    let payload = next_result(&broker).await["payload"].clone();
    assert_eq!(
        (&payload["task_id"], &payload["output"]),
        (&first["payload"]["task_id"], &json!("Echo: once"))
    );
    assert_eq!(payload["trace_id"], second["trace_id"]);
    agent.stop().await;
}

#[tokio::test]
async fn a_broken_envelope_is_rejected_and_a_broken_payload_dropped() {
    let (broker, agent) = agent(Habits::default()).await;
    broker.bind_queue("dlx_queue", "dlx_exchange", WORK).await;
    let mut with_null = request("echo", &json!({}));
    with_null["x_custom_fields"] = Value::Null;
    send(&broker, &with_null).await;
    let kept = broker.next_message("dlx_queue").await;
    assert_eq!(kept.header("x-first-death-reason"), Some("rejected"));

    let mut without_task = request("echo", &json!({}));
    without_task["payload"]["task_id"] = json!("task-1");
    send(&broker, &without_task).await;
    all_acknowledged(&broker).await;
    assert_eq!(broker.queue_depth("dlx_queue").await, Some(0));
    assert_eq!(broker.queue_depth(REPLIES).await, Some(0));
    agent.stop().await;
}

#[tokio::test]
async fn slow_work_tells_its_steps() {
    let habits = Habits { progress_steps: 2, ..slow(20) };
    let (broker, agent) = agent(habits).await;
    send(&broker, &request("slow_echo", &json!({}))).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let payload = broker.next_message(REPLIES).await.body_json()["payload"].clone();
        told.push((
            payload["status"].clone(),
            payload["step"]["number"].clone(),
            payload["progress_percent"].clone(),
        ));
    }
    let expected =
        [("running", 1, 0), ("step_completed", 1, 50), ("running", 2, 50), ("step_completed", 2, 100)];
    assert_eq!(told, expected.map(|(status, step, percent)| (json!(status), json!(step), json!(percent))));
    assert_eq!(next_result(&broker).await["payload"]["output"], "Echo: no message");
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_dies_loses_what_it_worked_on_and_not_what_it_fetched_ahead() {
    let (broker, agent) = agent(Habits { dies_in_job: Some(1), ..Habits::default() }).await;
    let (lost, ahead) = (request("echo", &json!({})), request("echo", &json!({ "message": "ahead" })));
    send(&broker, &lost).await;
    send(&broker, &ahead).await;
    agent.died().await;
    agent.stop().await;
    let successor = join(&broker, Habits::default()).await;
    assert_eq!(next_result(&broker).await["request_id"], ahead["request_id"]);
    all_acknowledged(&broker).await;
    assert_eq!(broker.queue_depth(REPLIES).await, Some(0), "nobody does the lost one");
    successor.stop().await;
}

#[tokio::test]
async fn an_agent_that_acknowledges_afterwards_loses_nothing_when_it_dies() {
    let habits = Habits { dies_in_job: Some(1), acknowledges: Acknowledges::AfterWork, ..Habits::default() };
    let (broker, agent) = agent(habits).await;
    let request = request("echo", &json!({}));
    send(&broker, &request).await;
    agent.died().await;
    agent.stop().await;
    let successor = join(&broker, Habits::default()).await;
    assert_eq!(next_result(&broker).await["request_id"], request["request_id"]);
    successor.stop().await;
}

#[tokio::test]
async fn an_agent_may_answer_twice() {
    let (broker, agent) = agent(Habits { answers: 2, ..Habits::default() }).await;
    send(&broker, &request("echo", &json!({}))).await;
    let (first, second) = (next_result(&broker).await, next_result(&broker).await);
    assert_eq!(first["payload"], second["payload"]);
    assert_ne!(first["message_id"], second["message_id"]);
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_obeys_stops_a_job_when_it_is_announced() {
    let (broker, agent) = agent(Habits { cancel: CancelHabit::Obeys, ..slow(600_000) }).await;
    let job = request("slow_echo", &json!({}));
    send(&broker, &job).await;
    all_acknowledged(&broker).await;
    let cancel = request("cancel", &json!({ "task_id": job["payload"]["task_id"] }));
    broker.publish(Message::json("broadcast_exchange", "", &cancel)).await;
    let payload = next_result(&broker).await["payload"].clone();
    assert_eq!((&payload["task_id"], &payload["status"]), (&job["payload"]["task_id"], &json!("cancelled")));
    agent.stop().await;
}

#[tokio::test]
async fn heartbeats_carry_the_identity_that_the_agent_has_and_the_job_under_way() {
    let stable = Uuid::new_v4();
    for identity in [Identity::FreshEachTime, Identity::Nil, Identity::Stable(stable)] {
        let habits = Habits { identity, heartbeat_interval: Duration::from_millis(20), ..slow(600_000) };
        let (broker, agent) = agent(habits).await;
        let job = request("slow_echo", &json!({}));
        send(&broker, &job).await;
        let busy = wait_for("a heartbeat during the job", PATIENCE, || async {
            let payload = broker.get_message(REPLIES).await?.body_json()["payload"].clone();
            (payload["current_task_id"] == job["payload"]["task_id"]).then_some(payload)
        })
        .await;
        let next = broker.next_message(REPLIES).await.body_json();
        assert_eq!((&next["type"], &next["payload"]["status"]), (&json!("work_status"), &json!("online")));
        let (first, second) = (&busy["agent_id"], &next["payload"]["agent_id"]);
        match identity {
            Identity::FreshEachTime => assert_ne!(first, second),
            Identity::Nil => assert_eq!((first, second), (&json!(Uuid::nil()), &json!(Uuid::nil()))),
            Identity::Stable(id) => assert_eq!((first, second), (&json!(id), &json!(id))),
        }
        agent.stop().await;
    }
}

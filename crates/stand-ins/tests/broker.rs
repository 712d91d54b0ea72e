//! Worker and QA on a real broker, without any service: the test plays the routing-engine and looks at what they tell.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use protocol::WireMessage;
use protocol::topology::Topology;
use serde_json::{Value, json};
use stand_ins::broker::{BrokerAddress, Delivery, Handler, Outlet, Station, StationSettings, Verdict};
use stand_ins::qa::{Qa, QaSettings};
use stand_ins::worker::{Worker, WorkerSettings};
use test_support::{Message, PATIENCE, Proxy, TestBroker, wait_until};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use uuid::Uuid;

const QUEUE: &str = "task.ready.tiny";

/// A virtual host with what the services would have declared, as far as it matters here.
async fn broker_with_queues() -> TestBroker {
    let broker = TestBroker::create("stand-ins").await;
    declare(&broker).await;
    broker
}

async fn declare(broker: &TestBroker) {
    broker.declare_exchange("task.events", "topic").await;
    broker.declare_exchange("qa.events", "topic").await;
    for tier in ["tiny", "small", "large", "frontier"] {
        let queue = format!("task.ready.{tier}");
        broker.declare_queue(&queue, &Value::Null).await;
        broker.bind_queue(&queue, "task.events", &queue).await;
    }
    broker.declare_queue("qa.task-output", &Value::Null).await;
    broker.bind_queue("qa.task-output", "task.events", "task.output.created").await;
}

fn worker(url: &str, change: impl FnOnce(&mut WorkerSettings)) -> Worker {
    let mut settings = WorkerSettings::new(url);
    settings.duration = Duration::from_millis(10);
    change(&mut settings);
    Worker::start(settings).unwrap()
}

/// Hands out an attempt, as the routing-engine does.
async fn hand_out(broker: &TestBroker, task_id: Uuid, attempt: u32, description: &str, feedback: Value) {
    let ready = json!({
        "task_id": task_id, "project_id": "p", "domain": "code-general", "tier": "tiny", "context": null,
        "description": description, "attempt": attempt, "mode": "new_project", "qa_profile": "consensus",
        "model_candidates": ["model-a"], "inputs": ["input-1"], "feedback": feedback, "constitution": null,
        "deadline_at": null, "priority": "normal", "provenance_id": Uuid::new_v4(),
        "routing": { "analyzer": "rules" },
    });
    let message_id = Uuid::new_v5(&task_id, &attempt.to_be_bytes()).to_string();
    let message = Message { message_id: Some(message_id), ..Message::json("task.events", QUEUE, &ready) };
    broker.publish(message).await;
}

/// Whether a connection to the server in the URL ends before it was greeted or has said anything.
async fn turned_away(url: String) -> bool {
    let server = url.rsplit_once('@').unwrap().1.split('/').next().unwrap();
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.read(&mut [0]).await.map_or(true, |bytes| bytes == 0)
}

async fn all_acknowledged(broker: &TestBroker) {
    let path = format!("queues/{}/{QUEUE}", broker.vhost());
    wait_until("the work is acknowledged", PATIENCE, || async {
        // The statistics come late, and not at all before the first of them.
        broker.management(&path).await["messages"] == 0
    })
    .await;
}

#[tokio::test]
async fn work_is_judged_and_made_again_with_what_was_said() {
    let broker = broker_with_queues().await;
    let outputs = broker.tap("task.events", "task.output.created").await;
    let verdicts = broker.tap("qa.events", "#").await;
    let _worker = worker(broker.url(), |_| {});
    let _qa = Qa::start(QaSettings::new(broker.url())).unwrap();
    let task_id = Uuid::now_v7();
    hand_out(&broker, task_id, 1, "Sort numbers [reject-once]", json!([])).await;

    let output = broker.next_message(&outputs).await.body_json()["data"].clone();
    assert_eq!((&output["task_id"], &output["attempt"]), (&json!(task_id), &json!(1)));
    assert_eq!((&output["project_id"], &output["tier"]), (&json!("p"), &json!("tiny")));
    assert_eq!((&output["model_used"], &output["domain"]), (&json!("model-a"), &json!("code-general")));
    assert_eq!(output["inputs_consumed"][0]["artifact_id"], "input-1");
    assert_eq!(output["output"]["artifacts"][0]["artifact_id"], output["artifact_id"]);
    let rejected = broker.next_message(&verdicts).await;
    assert_eq!(rejected.routing_key, "task.rejected");
    let reason = rejected.body_json()["data"]["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, "the code carries no test");

    let feedback = json!([{ "attempt": 1, "source": "qa", "message": reason, "issues": [] }]);
    hand_out(&broker, task_id, 2, "Sort numbers [reject-once]", feedback).await;
    let second = broker.next_message(&outputs).await.body_json()["data"].clone();
    assert!(
        second["output"]["content"].as_str().unwrap().contains("Changed after: the code carries no test")
    );
    let validated = broker.next_message(&verdicts).await;
    assert_eq!(
        (validated.routing_key.as_str(), &validated.body_json()["data"]["attempt"]),
        ("task.validated", &json!(2))
    );
}

#[tokio::test]
async fn a_worker_waits_for_its_queues_and_survives_the_loss_of_its_connection() {
    let broker = TestBroker::create("stand-ins").await;
    let proxy = Proxy::in_front_of(broker.url()).await;
    let _worker = worker(&proxy.url(broker.url()), |_| {});
    declare(&broker).await;
    let (started, outputs) = (
        broker.tap("task.events", "task.started").await,
        broker.tap("task.events", "task.output.created").await,
    );
    hand_out(&broker, Uuid::now_v7(), 1, "Sort numbers [takes 1000ms]", json!([])).await;
    let first = broker.next_message(&started).await;
    proxy.cut();
    // Once it turns away a stranger, it has dropped the worker too.
    wait_until("the proxy turns everybody away", PATIENCE, || turned_away(proxy.url(broker.url()))).await;
    proxy.restore();
    // The same work begins again under the same event id, so that nobody counts it twice.
    let second = broker.next_message(&started).await;
    assert_eq!(first.message_id, second.message_id);
    broker.next_message(&outputs).await;
    all_acknowledged(&broker).await;
    assert_eq!(broker.queue_depth(&outputs).await, Some(0));
}

#[tokio::test]
async fn a_cancelled_task_frees_its_worker() {
    let broker = broker_with_queues().await;
    let (started, outputs) = (
        broker.tap("task.events", "task.started").await,
        broker.tap("task.events", "task.output.created").await,
    );
    let _worker = worker(broker.url(), |settings| settings.concurrency = 1);
    let (cancelled, other) = (Uuid::now_v7(), Uuid::now_v7());
    hand_out(&broker, cancelled, 1, "Work for a minute [takes 60000ms]", json!([])).await;
    broker.next_message(&started).await;
    let reason = json!({ "task_id": cancelled, "reason": "no longer wanted", "attempt": 1 });
    broker.publish(Message::json("task.events", "task.cancelled", &reason)).await;
    hand_out(&broker, other, 1, "Sort numbers", json!([])).await;
    assert_eq!(broker.next_message(&outputs).await.body_json()["data"]["task_id"], json!(other));
    all_acknowledged(&broker).await;
    assert_eq!(broker.queue_depth(&outputs).await, Some(0));
}

#[tokio::test]
async fn failures_are_told_as_the_description_asks() {
    let broker = broker_with_queues().await;
    let failures = broker.tap("task.events", "task.failed").await;
    let _worker = worker(broker.url(), |settings| settings.failure_rate = 1.0);
    hand_out(&broker, Uuid::now_v7(), 1, "Do the impossible [fail]", json!([])).await;
    let failed = broker.next_message(&failures).await.body_json()["data"].clone();
    assert_eq!(
        (&failed["error"]["code"], &failed["error"]["retryable"]),
        (&json!("IMPOSSIBLE"), &json!(false))
    );
    hand_out(&broker, Uuid::now_v7(), 1, "Sort numbers", json!([])).await;
    let unlucky = broker.next_message(&failures).await.body_json()["data"].clone();
    assert_eq!(
        (&unlucky["error"]["code"], &unlucky["error"]["retryable"]),
        (&json!("MODEL_ERROR"), &json!(true))
    );
}

/// Tells three things one after another, and listens to nothing.
struct Teller;

#[async_trait::async_trait]
impl Handler for Teller {
    async fn handle(&self, _: Delivery, _: &Outlet) -> Verdict {
        Verdict::Refused
    }

    async fn attend(&self, outlet: &Outlet) {
        for number in 0..3 {
            let message = WireMessage {
                exchange: "task.events".to_owned(),
                routing_key: QUEUE.to_owned(),
                message_id: number.to_string(),
                event_type: String::new(),
                content_type: "text/plain".to_owned(),
                correlation_id: None,
                traceparent: None,
                timestamp: 0,
                body: Vec::new(),
            };
            outlet.publish(message).await.unwrap();
        }
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_line_that_only_speaks_stays_open() {
    let broker = broker_with_queues().await;
    let settings = StationSettings {
        address: BrokerAddress::parse(broker.url()).unwrap(),
        name: "teller".to_owned(),
        topology: Topology::default(),
        subscriptions: Vec::new(),
        prefetch: 1,
    };
    let station = Station::start(settings, Arc::new(Teller));
    for number in 0..3 {
        let message = broker.next_message(QUEUE).await;
        assert_eq!(message.message_id, Some(number.to_string()), "each once: the line was never opened anew");
    }
    station.stop().await;
    assert_eq!(broker.queue_depth(QUEUE).await, Some(0));
}

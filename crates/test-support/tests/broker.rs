//! The outsider's view on a virtual host, against the real broker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use serde_json::json;
use test_support::{Message, PATIENCE, TestBroker, wait_for, wait_until};

#[tokio::test]
async fn a_message_keeps_its_properties_and_headers() {
    let broker = TestBroker::create("properties").await;
    broker.declare_exchange("probe.events", "topic").await;
    let queue = broker.tap("probe.events", "task.#").await;
    let mut sent = Message::json("probe.events", "task.created", &json!({ "answer": 42 }));
    sent.message_id = Some("m-1".into());
    sent.message_type = Some("dats.task.created".into());
    sent.correlation_id = Some("c-1".into());
    sent.reply_to = Some("answers".into());
    sent.priority = Some(3);
    sent.timestamp = Some(1_700_000_000);
    sent.headers.insert("traceparent".into(), "00-aa-bb-01".into());
    broker.publish(sent.clone()).await;
    let received = broker.next_message(&queue).await;
    assert_eq!(received, sent);
    assert_eq!(received.body_json()["answer"], 42);
    assert_eq!(received.header("traceparent"), Some("00-aa-bb-01"));
}

#[tokio::test]
async fn depth_and_absence_of_queues_are_told() {
    let broker = TestBroker::create("depth").await;
    assert_eq!(broker.queue_depth("nobody").await, None);
    broker.declare_queue("work", &json!({ "x-queue-type": "quorum", "x-delivery-limit": 20 })).await;
    assert_eq!(broker.queue_depth("work").await, Some(0));
    for _ in 0..3 {
        broker.publish(Message::new("", "work", "x")).await;
    }
    wait_until("three messages", PATIENCE, || async { broker.queue_depth("work").await == Some(3) }).await;
    assert_eq!(broker.consumer_count("work").await, Some(0));
    broker.purge_queue("work").await;
    assert_eq!(broker.get_message("work").await, None);
}

#[tokio::test]
async fn connections_of_others_are_closed_and_a_vhost_ends_with_its_value() {
    let broker = TestBroker::create("close").await;
    broker.declare_queue("work", &json!(null)).await;
    let stranger = connect_as_stranger(broker.url()).await;
    assert_eq!(broker.close_all_connections().await, 1);
    wait_until("the stranger to notice", PATIENCE, || async { !stranger.is_open() }).await;
    assert_eq!(broker.queue_depth("work").await, Some(0));
    let (vhost, witness) = (broker.vhost().to_owned(), TestBroker::create("witness").await);
    drop(broker);
    wait_for("the virtual host to go", PATIENCE, || async {
        let vhosts = witness.management("vhosts?columns=name").await;
        vhosts.as_array()?.iter().all(|entry| entry["name"] != vhost).then_some(())
    })
    .await;
}

async fn connect_as_stranger(url: &str) -> amqprs::connection::Connection {
    let url = reqwest::Url::parse(url).unwrap();
    let arguments = amqprs::connection::OpenConnectionArguments::new(
        url.host_str().unwrap(),
        url.port().unwrap(),
        url.username(),
        url.password().unwrap(),
    )
    .virtual_host(url.path().trim_start_matches('/'))
    .finish();
    amqprs::connection::Connection::open(&arguments).await.unwrap()
}

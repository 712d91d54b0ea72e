//! The publisher: what it sends, what it reports, how much it has in flight, how it ends.

use std::time::Duration;

use messaging::{Outgoing, Properties, PublishError, PublisherSettings};
use protocol::WireMessage;
use protocol::topology::UNROUTED;
use serde_json::json;
use test_support::{PATIENCE, Proxy, TestBroker, wait_until};

use crate::support::{
    QUEUE, broker, connected, depth, many, message_ids_in, publisher, publisher_with, started, texts, wire,
};

fn to_queue(queue: &str, message_id: &str) -> WireMessage {
    WireMessage {
        exchange: String::new(),
        routing_key: queue.to_owned(),
        message_id: message_id.to_owned(),
        event_type: String::new(),
        content_type: String::new(),
        correlation_id: None,
        traceparent: None,
        timestamp: 0,
        body: b"{}".to_vec(),
    }
}

#[tokio::test]
async fn events_are_persistent_and_carry_their_properties() {
    let server = TestBroker::create("properties").await;
    let publisher = publisher(&broker(server.url()));
    let event = started();
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let message = event.to_wire(Some(traceparent.to_owned())).unwrap();
    publisher.handle.publish(message.clone()).await.unwrap();
    let got = server.next_message(QUEUE).await;
    assert!(got.persistent);
    assert_eq!(got.message_id, Some(event.id.to_string()));
    assert_eq!(got.message_type.as_deref(), Some("dats.task.started"));
    assert_eq!(got.content_type.as_deref(), Some("application/cloudevents+json"));
    assert_eq!(got.correlation_id, event.correlation_id.map(|id| id.to_string()));
    assert_eq!(got.timestamp, Some(message.timestamp));
    assert_eq!(got.header("traceparent"), Some(traceparent));
    assert_eq!(got.body, message.body);
    publisher.stop().await;
}

#[tokio::test]
async fn a_lane_may_choose_priority_expiration_and_transience() {
    let server = TestBroker::create("lane").await;
    server.declare_queue("work", &json!({ "x-max-priority": 5 })).await;
    let publisher = publisher(&broker(server.url()));
    let properties = Properties {
        transient: true,
        priority: Some(4),
        expiration: Some(Duration::from_secs(60)),
        ..Properties::default()
    };
    publisher.handle.publish(Outgoing { message: to_queue("work", "w"), properties }).await.unwrap();
    let got = server.next_message("work").await;
    assert!(!got.persistent);
    assert_eq!((got.priority, got.expiration.as_deref()), (Some(4), Some("60000")));
    assert_eq!((got.content_type, got.message_type, got.timestamp), (None, None, None));
    publisher.stop().await;
}

#[tokio::test]
async fn many_messages_are_all_confirmed_and_stay_in_order() {
    let server = TestBroker::create("order").await;
    let publisher = publisher(&broker(server.url()));
    let (messages, ids) = many(1500);
    let outcomes = publisher.handle.publish_all(messages).await;
    assert_eq!(outcomes, vec![Ok(()); 1500]);
    assert_eq!(message_ids_in(&server, QUEUE).await, texts(&ids));
    publisher.stop().await;
}

#[tokio::test]
async fn an_event_that_nobody_is_bound_for_is_kept() {
    let server = TestBroker::create("unrouted").await;
    let publisher = publisher(&broker(server.url()));
    let mut message = wire(&started());
    message.routing_key = "task.nobody.listens".to_owned();
    publisher.handle.publish(message.clone()).await.unwrap();
    let kept = server.next_message(UNROUTED).await;
    assert_eq!(kept.message_id, Some(message.message_id));
    publisher.stop().await;
}

#[tokio::test]
async fn a_message_without_any_queue_is_reported_and_its_neighbours_are_not() {
    let server = TestBroker::create("noqueue").await;
    let publisher = publisher(&broker(server.url()));
    let nowhere = to_queue("no-such-queue", "same");
    let somewhere = to_queue(QUEUE, "same");
    let outcomes = publisher.handle.publish_all(vec![somewhere.clone(), nowhere, somewhere]).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(PublishError::Unroutable)).count(), 1);
    depth(&server, QUEUE, 2).await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_nack_is_reported() {
    let server = TestBroker::create("nack").await;
    server.declare_queue("full", &json!({ "x-max-length": 1, "x-overflow": "reject-publish" })).await;
    let publisher = publisher(&broker(server.url()));
    let outcomes = publisher.handle.publish_all(vec![to_queue("full", "1"), to_queue("full", "2")]).await;
    assert_eq!(outcomes, [Ok(()), Err(PublishError::Nacked)]);
    publisher.stop().await;
}

#[tokio::test]
async fn a_message_the_broker_objects_to_is_found_and_holds_nobody_up() {
    let server = TestBroker::create("objection").await;
    let publisher = publisher(&broker(server.url()));
    let (mut messages, ids) = many(40);
    messages[20].exchange = "no.such.exchange".to_owned();
    let outcomes = publisher.handle.publish_all(messages).await;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome, if index == 20 { Err(PublishError::Refused) } else { Ok(()) }, "{index}");
    }
    let got = crate::support::first_copies(&message_ids_in(&server, QUEUE).await);
    let mut expected = texts(&ids);
    expected.remove(20);
    assert_eq!(got, expected);
    publisher.stop().await;
}

#[tokio::test]
async fn a_message_that_kills_sessions_is_given_up_and_its_neighbours_are_not() {
    let server = TestBroker::create("oversize").await;
    let publisher = publisher(&broker(server.url()));
    let (messages, ids) = many(20);
    let mut messages: Vec<Outgoing> = messages.into_iter().map(Outgoing::from).collect();
    // Headers have to fit into one frame, of 128 KiB.
    messages[7].properties.headers.set_text("x-story", &"long ".repeat(60_000));
    let outcomes = publisher.handle.publish_all(messages).await;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome, if index == 7 { Err(PublishError::Refused) } else { Ok(()) }, "{index}");
    }
    let got = crate::support::first_copies(&message_ids_in(&server, QUEUE).await);
    let mut expected = texts(&ids);
    expected.remove(7);
    assert_eq!(got, expected);
    publisher.stop().await;
}

#[tokio::test]
async fn what_amqp_cannot_carry_is_refused() {
    let server = TestBroker::create("toolong").await;
    let publisher = publisher(&broker(server.url()));
    let refused = publisher.handle.publish(to_queue(&"q".repeat(256), "m")).await;
    assert_eq!(refused, Err(PublishError::TooLong("routing_key")));
    publisher.handle.publish(wire(&started())).await.unwrap();
    publisher.stop().await;
}

#[tokio::test]
async fn a_silent_broker_gets_a_window_and_no_more_and_readiness_can_tell() {
    let server = TestBroker::create("window").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    let settings = PublisherSettings { window: 16, stalled_after_ms: 300, ..PublisherSettings::default() };
    let publisher = publisher_with(&broker(&proxy.url(server.url())), &settings);
    publisher.handle.publish(wire(&started())).await.unwrap();
    server.next_message(QUEUE).await;

    proxy.freeze();
    let (messages, ids) = many(200);
    let handle = publisher.handle.clone();
    let publishing = tokio::spawn(async move { handle.publish_all(messages).await });
    wait_until("the stall to be noticed", PATIENCE, || async { publisher.handle.health().stalled }).await;
    assert!(publisher.handle.health().connected && !publisher.handle.health().is_good());
    assert_eq!(publisher.handle.unconfirmed(), 16);
    assert!(!publishing.is_finished());

    proxy.restore();
    assert_eq!(publishing.await.unwrap(), vec![Ok(()); 200]);
    assert!(publisher.handle.health().is_good());
    assert_eq!(message_ids_in(&server, QUEUE).await, texts(&ids));
    publisher.stop().await;
}

#[tokio::test]
async fn a_session_without_confirms_is_given_up_and_nothing_is_lost() {
    let server = TestBroker::create("giveup").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    let settings =
        PublisherSettings { stalled_after_ms: 100, confirm_timeout_ms: 600, ..PublisherSettings::default() };
    let publisher = publisher_with(&broker(&proxy.url(server.url())), &settings);
    connected(&publisher.handle).await;
    proxy.freeze();
    let (messages, ids) = many(50);
    let handle = publisher.handle.clone();
    let publishing = tokio::spawn(async move { handle.publish_all(messages).await });
    wait_until("the session to be given up", PATIENCE, || async { !publisher.handle.health().connected })
        .await;
    proxy.restore();
    assert_eq!(publishing.await.unwrap(), vec![Ok(()); 50]);
    let got = crate::support::first_copies(&message_ids_in(&server, QUEUE).await);
    assert_eq!(got, texts(&ids));
    publisher.stop().await;
}

#[tokio::test]
async fn stopping_finishes_what_was_handed_over_and_refuses_the_rest() {
    let server = TestBroker::create("drain").await;
    let publisher = publisher(&broker(server.url()));
    let (messages, ids) = many(500);
    let handle = publisher.handle.clone();
    let publishing = tokio::spawn(async move { handle.publish_all(messages).await });
    // A quick broker may have confirmed them all before anybody looks.
    let handed_over = || async { publisher.handle.unconfirmed() > 0 || publishing.is_finished() };
    wait_until("the first messages", PATIENCE, handed_over).await;
    let handle = publisher.handle.clone();
    publisher.stop().await;
    assert_eq!(publishing.await.unwrap(), vec![Ok(()); 500]);
    assert_eq!(message_ids_in(&server, QUEUE).await, texts(&ids));
    assert_eq!(handle.publish(wire(&started())).await, Err(PublishError::Stopped));
}

#[tokio::test]
async fn stopping_without_a_broker_ends_in_time_and_says_so() {
    let server = TestBroker::create("drainless").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    proxy.cut();
    let settings = PublisherSettings { drain_timeout_ms: 200, ..PublisherSettings::default() };
    let publisher = publisher_with(&broker(&proxy.url(server.url())), &settings);
    let handle = publisher.handle.clone();
    let publishing = tokio::spawn(async move { handle.publish(wire(&started())).await });
    publisher.stop().await;
    assert_eq!(publishing.await.unwrap(), Err(PublishError::Stopped));
}

#[tokio::test]
async fn a_caller_that_gives_up_disturbs_nobody() {
    let server = TestBroker::create("impatient").await;
    let publisher = publisher(&broker(server.url()));
    let (messages, ids) = many(100);
    for message in messages {
        let impatient = publisher.handle.publish(message);
        // Polled once, so that the message is handed over, then dropped.
        let _ = tokio::time::timeout(Duration::ZERO, impatient).await;
    }
    depth(&server, QUEUE, 100).await;
    assert_eq!(message_ids_in(&server, QUEUE).await, texts(&ids));
    publisher.stop().await;
}

//! Messages that cannot be handled: alone, later, and in the end dead with the reason.

use std::sync::Arc;
use std::time::Duration;

use messaging::{ConsumerSettings, HandlerError, Outcome, Received, header};
use protocol::topology::dead_letter_queue;
use protocol::{EventId, WireMessage};
use serde_json::json;
use test_support::{Message, TestBroker};

use crate::support::{
    Handled, QUEUE, STARTED, Seen, all_done, at_once, broker, consumer, depth, many, publisher, settings,
    started, wire,
};

const TASK: &str = "0197a000-0000-7000-8000-000000000001";

/// Fails every batch that has the poison in it, in the way given; notes what was done.
fn allergic_to(
    poison: EventId,
    done: Seen<EventId>,
    failure: impl Fn() -> Handled + Send + Sync + 'static,
) -> impl Fn(Vec<Received>) -> Handled + Send + Sync + 'static {
    move |batch| {
        if batch.iter().any(|received| received.event.id == poison) {
            return failure();
        }
        batch.iter().for_each(|received| done.add(received.event.id));
        all_done(batch.len())
    }
}

fn failed() -> Handled {
    at_once(Err(HandlerError::Failed("the row is not there".to_owned())))
}

fn panicked() -> Handled {
    Box::pin(async { panic!("index out of bounds") })
}

#[tokio::test]
async fn poison_is_set_aside_alone_while_its_batch_goes_on() {
    for (failure, reason) in
        [(failed as fn() -> Handled, "the row is not there"), (panicked, "panicked: index out of bounds")]
    {
        let server = TestBroker::create("poison").await;
        let broker = broker(server.url());
        let publisher = publisher(&broker);
        let (messages, ids) = many(20);
        let poison = messages[7].clone();
        publisher.handle.publish_all(messages).await;
        let done = Seen::default();
        let handler = allergic_to(ids[7], done.clone(), failure);
        let consumer = consumer(&broker, &publisher.handle, settings(), handler);

        let dead = server.next_message(&dead_letter_queue(QUEUE)).await;
        let mut others = ids.clone();
        others.remove(7);
        done.reach(19).await;
        assert_eq!(done.all(), others, "each once and in order");
        assert_dead(&dead, &poison, "3", reason);
        consumer.stop().await;
        assert_eq!(server.queue_depth(QUEUE).await, Some(0));
        assert_eq!(server.queue_depth(&dead_letter_queue(QUEUE)).await, Some(0), "nothing else died");
        publisher.stop().await;
    }
}

/// A dead letter is the message itself plus its story.
fn assert_dead(dead: &Message, original: &WireMessage, failures: &str, reason: &str) {
    assert!(dead.persistent);
    assert_eq!(dead.body, original.body);
    assert_eq!(dead.message_id.as_ref(), Some(&original.message_id));
    assert_eq!(dead.message_type.as_ref(), Some(&original.event_type));
    assert_eq!(dead.content_type.as_ref(), Some(&original.content_type));
    assert_eq!(dead.correlation_id, original.correlation_id);
    assert_eq!(dead.header(header::FAILURES), Some(failures));
    assert!(dead.header(header::REASON).unwrap().contains(reason), "{dead:?}");
    assert!(dead.header(header::FIRST_FAILED_AT).unwrap().ends_with('Z'));
    assert_eq!(dead.header(header::ORIGINAL_EXCHANGE), Some("task.events"));
    assert_eq!(dead.header(header::ORIGINAL_ROUTING_KEY), Some(STARTED));
}

#[tokio::test]
async fn what_cannot_be_read_is_dead_at_once_and_delays_nobody() {
    let server = TestBroker::create("garbage").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let done = Seen::default();
    let taken = done.clone();
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|received| taken.add(received.event.id));
        all_done(batch.len())
    });
    crate::support::connected(&publisher.handle).await;
    let garbage: [&[u8]; 4] = [b"\xff\xfe", b"[1,2]", b"{\"task_id\":7}", b""];
    for body in garbage {
        server.publish(Message::new("task.events", STARTED, body)).await;
    }
    let event = started();
    publisher.handle.publish(wire(&event)).await.unwrap();
    done.reach(1).await;
    assert_eq!(done.all(), [event.id]);
    let reasons = ["not UTF-8", "not a JSON object", "not understood", "not a JSON object"];
    for (body, reason) in garbage.into_iter().zip(reasons) {
        let dead = server.next_message(&dead_letter_queue(QUEUE)).await;
        assert_eq!(dead.body, body);
        assert_eq!(dead.header(header::FAILURES), Some("1"));
        assert!(dead.header(header::REASON).unwrap().contains(reason), "{dead:?}");
    }
    consumer.stop().await;
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
    publisher.stop().await;
}

#[tokio::test]
async fn a_retried_message_reads_as_it_did_the_first_time() {
    let server = TestBroker::create("same").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let seen: Seen<Received> = Seen::default();
    let taken = seen.clone();
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        let outcomes = batch.iter().map(|received| {
            taken.add(received.clone());
            match received.failures {
                0 => Outcome::Retry { reason: "not yet".to_owned(), within: None },
                _ => Outcome::Done,
            }
        });
        at_once(Ok(outcomes.collect()))
    });
    crate::support::connected(&publisher.handle).await;
    // Bare data without an id: only the routing key says what it is, and the id is made of key and body.
    let bare = Message {
        headers: [
            ("traceparent".to_owned(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            ("x-of-theirs".to_owned(), "kept".to_owned()),
        ]
        .into(),
        ..Message::json("task.events", STARTED, &json!({ "task_id": TASK, "worker_id": "w" }))
    };
    server.publish(bare).await;
    seen.reach(2).await;
    let [first, second] = &seen.all()[..] else { panic!("{:?}", seen.all()) };
    assert_eq!((first.failures, second.failures), (0, 1));
    assert_eq!((first.event.id, &first.event.data), (second.event.id, &second.event.data));
    assert_eq!(first.event.trace_id, second.event.trace_id);
    assert_eq!(first.traceparent, second.traceparent);
    assert!(first.traceparent.is_some());
    consumer.stop().await;
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
    publisher.stop().await;
}

#[tokio::test]
async fn a_time_limit_ends_the_retries_and_a_verdict_ends_them_at_once() {
    let server = TestBroker::create("limits").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let (messages, ids) = many(2);
    let condemned = ids[1];
    let tries = Seen::default();
    let tried = tries.clone();
    let settings = ConsumerSettings { retry_delays: vec![Duration::from_secs(1); 9], ..settings() };
    let consumer = consumer(&broker, &publisher.handle, settings, move |batch| {
        let outcomes = batch.iter().map(|received| {
            tried.add(received.event.id);
            if received.event.id == condemned {
                Outcome::Dead { reason: "makes no sense".to_owned() }
            } else {
                Outcome::Retry {
                    reason: "unknown task".to_owned(),
                    within: Some(Duration::from_millis(2_500)),
                }
            }
        });
        at_once(Ok(outcomes.collect()))
    });
    publisher.handle.publish_all(messages.clone()).await;
    let first = server.next_message(&dead_letter_queue(QUEUE)).await;
    assert_dead(&first, &messages[1], "1", "makes no sense");
    let second = server.next_message(&dead_letter_queue(QUEUE)).await;
    assert_dead(&second, &messages[0], "3", "unknown task");
    assert_eq!(tries.all().iter().filter(|&&id| id == ids[0]).count(), 3);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_message_whose_copy_cannot_be_published_stays_in_the_queue() {
    let server = TestBroker::create("stuck").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let event = started();
    publisher.handle.publish(wire(&event)).await.unwrap();
    let tries = Seen::default();
    let tried = tries.clone();
    // No queue is declared for this delay, so the copy is returned.
    let settings = ConsumerSettings { retry_delays: vec![Duration::from_secs(7)], ..settings() };
    let consumer = consumer(&broker, &publisher.handle, settings, move |batch| {
        tried.add(batch.len());
        at_once(Err(HandlerError::Failed("no".to_owned())))
    });
    tries.reach(3).await;
    consumer.stop().await;
    depth(&server, QUEUE, 1).await;
    assert_eq!(server.next_message(QUEUE).await.message_id, Some(event.id.to_string()));
    publisher.stop().await;
}

#[tokio::test]
async fn a_message_may_be_driven_again_from_the_dead_letters() {
    let server = TestBroker::create("redrive").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let event = started();
    let seen = Seen::default();
    let taken = seen.clone();
    let healthy = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_healthy = Arc::clone(&healthy);
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|received| taken.add((received.event.id, received.failures)));
        if is_healthy.load(std::sync::atomic::Ordering::SeqCst) {
            return all_done(batch.len());
        }
        at_once(Ok(vec![Outcome::Dead { reason: "broken".to_owned() }; batch.len()]))
    });
    publisher.handle.publish(wire(&event)).await.unwrap();
    let dead = server.next_message(&dead_letter_queue(QUEUE)).await;
    healthy.store(true, std::sync::atomic::Ordering::SeqCst);
    server.publish(Message { exchange: String::new(), routing_key: QUEUE.to_owned(), ..dead }).await;
    seen.reach(2).await;
    assert_eq!(seen.all(), [(event.id, 0), (event.id, 1)]);
    consumer.stop().await;
    publisher.stop().await;
}

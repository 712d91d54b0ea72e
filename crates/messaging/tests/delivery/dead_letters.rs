//! Dead letters: looked at without harm, put back once, deleted only when told to.

use std::sync::{Arc, Mutex};

use messaging::{DeadLetter, DeadLetters, DeadQueue, Home, Verdict, Visit, header};
use protocol::topology::{UNROUTED, dead_letter_queue};
use serde_json::json;
use test_support::{Message, TestBroker};

use crate::support::{QUEUE, STARTED, broker, connected, depth, many, message_ids_in, publisher};

fn dead_queue() -> DeadQueue {
    DeadQueue { name: dead_letter_queue(QUEUE), home: Home::Queue(QUEUE.to_owned()) }
}

/// Puts dead letters there as our consumers would, with ids `m-0`, `m-1`, ...
async fn bury(server: &TestBroker, count: usize) {
    for number in 0..count {
        let mut dead = Message::json("dats.dead", QUEUE, &json!({ "task_id": number }));
        dead.message_id = Some(format!("m-{number}"));
        dead.headers = [
            (header::REASON, "broken"),
            (header::FAILURES, "5"),
            (header::FIRST_FAILED_AT, "2026-01-01T00:00:00.000Z"),
            (header::ORIGINAL_EXCHANGE, "task.events"),
            (header::ORIGINAL_ROUTING_KEY, STARTED),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        server.publish(dead).await;
    }
    depth(server, &dead_letter_queue(QUEUE), u32::try_from(count).unwrap()).await;
}

type Notes = Arc<Mutex<Vec<(String, Option<String>, String, u32)>>>;

fn noting(
    notes: &Notes,
    verdict: impl Fn(&str) -> Verdict + Send + 'static,
) -> impl FnMut(&DeadLetter) -> Verdict + Send + 'static {
    let notes = Arc::clone(notes);
    move |letter| {
        let note = (letter.id.clone(), letter.reason.clone(), letter.routing_key.clone(), letter.failures);
        notes.lock().unwrap().push(note);
        verdict(&letter.id)
    }
}

#[tokio::test]
async fn looking_as_often_as_one_likes_leaves_every_letter_where_it_is() {
    let server = TestBroker::create("look-often").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    connected(&publisher.handle).await;
    let letters = DeadLetters::new(broker, publisher.handle.clone());
    bury(&server, 3).await;
    // More often than a broker returns a message before it drops it.
    for round in 0..25 {
        let notes = Notes::default();
        let visit = letters.visit(dead_queue(), noting(&notes, |_| Verdict::Leave)).await.unwrap();
        assert_eq!((visit.seen, visit.redriven, visit.purged, visit.failed), (3, 0, 0, 0), "round {round}");
        let mut seen = notes.lock().unwrap().clone();
        seen.sort();
        let expected =
            |number: usize| (format!("m-{number}"), Some("broken".to_owned()), STARTED.to_owned(), 5);
        assert_eq!(seen, [expected(0), expected(1), expected(2)], "round {round}");
        depth(&server, &dead_letter_queue(QUEUE), 3).await;
    }
    let empty = DeadQueue { name: "not-there.dead".to_owned(), ..dead_queue() };
    assert_eq!(letters.visit(empty, |_| Verdict::Purge).await.unwrap(), Visit::default());
    publisher.stop().await;
}

#[tokio::test]
async fn what_is_driven_again_arrives_fresh_under_its_own_id_and_once() {
    let server = TestBroker::create("drive-again").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    connected(&publisher.handle).await;
    let letters = DeadLetters::new(broker, publisher.handle.clone());
    bury(&server, 4).await;
    let chosen = |id: &str| if ["m-1", "m-3"].contains(&id) { Verdict::Redrive } else { Verdict::Leave };
    let visit = letters.visit(dead_queue(), noting(&Notes::default(), chosen)).await.unwrap();
    assert_eq!((visit.seen, visit.redriven), (4, 2));
    let again = letters.visit(dead_queue(), noting(&Notes::default(), chosen)).await.unwrap();
    assert_eq!((again.seen, again.redriven), (2, 0), "asked twice, it is done once");
    for id in ["m-1", "m-3"] {
        let message = server.next_message(QUEUE).await;
        assert_eq!(message.message_id.as_deref(), Some(id));
        assert_eq!(message.header(header::FAILURES), None, "its failures are forgotten");
        assert_eq!(message.header(header::ORIGINAL_ROUTING_KEY), Some(STARTED));
    }
    assert_eq!(message_ids_in(&server, &dead_letter_queue(QUEUE)).await, ["m-0", "m-2"]);
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
    publisher.stop().await;
}

#[tokio::test]
async fn a_purge_deletes_what_it_is_told_to_and_a_stop_looks_no_further() {
    let server = TestBroker::create("purge").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    connected(&publisher.handle).await;
    let letters = DeadLetters::new(broker, publisher.handle.clone());
    bury(&server, 4).await;
    let judge = |letter: &DeadLetter| match letter.id.as_str() {
        "m-1" => Verdict::Purge,
        "m-2" => Verdict::Stop,
        _ => Verdict::Leave,
    };
    let visit = letters.visit(dead_queue(), judge).await.unwrap();
    assert_eq!(visit, Visit { seen: 3, redriven: 0, purged: 1, failed: 0, truncated: true });
    let mut left = message_ids_in(&server, &dead_letter_queue(QUEUE)).await;
    left.sort();
    assert_eq!(left, ["m-0", "m-2", "m-3"]);
    publisher.stop().await;
}

#[tokio::test]
async fn what_nobody_was_bound_for_goes_back_to_its_exchange_and_what_cannot_go_stays() {
    let server = TestBroker::create("unbound").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    connected(&publisher.handle).await;
    let letters = DeadLetters::new(broker, publisher.handle.clone());
    let (messages, ids) = many(1);
    let mut lost = Message::new("task.events", "task.unheard.of", messages[0].body.clone());
    lost.message_id = Some(ids[0].to_string());
    server.publish(lost).await;
    depth(&server, UNROUTED, 1).await;
    let unrouted = || DeadQueue { name: UNROUTED.to_owned(), home: Home::Exchange };
    let visit = letters.visit(unrouted(), |_| Verdict::Redrive).await.unwrap();
    assert_eq!((visit.seen, visit.redriven), (1, 1), "still nobody is bound: it comes back");
    depth(&server, UNROUTED, 1).await;
    server.declare_queue("hears", &json!({})).await;
    server.bind_queue("hears", "task.events", "task.unheard.of").await;
    letters.visit(unrouted(), |_| Verdict::Redrive).await.unwrap();
    assert_eq!(server.next_message("hears").await.message_id, Some(ids[0].to_string()));

    bury(&server, 1).await;
    let lost_home = DeadQueue { home: Home::Queue("nowhere".to_owned()), ..dead_queue() };
    let visit = letters.visit(lost_home, |_| Verdict::Redrive).await.unwrap();
    assert_eq!((visit.redriven, visit.failed), (0, 1));
    let nobody_knows = DeadQueue { home: Home::WhereItDied, ..dead_queue() };
    let visit = letters.visit(nobody_knows, |_| Verdict::Redrive).await.unwrap();
    assert_eq!((visit.redriven, visit.failed), (0, 1));
    depth(&server, &dead_letter_queue(QUEUE), 1).await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_message_that_the_broker_gave_up_tells_where_it_came_from() {
    let server = TestBroker::create("died").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    connected(&publisher.handle).await;
    let letters = DeadLetters::new(broker, publisher.handle.clone());
    let arguments = json!({
        "x-message-ttl": 1, "x-dead-letter-exchange": "dats.dead", "x-dead-letter-routing-key": QUEUE,
    });
    server.declare_queue("short-lived", &arguments).await;
    server.bind_queue("short-lived", "task.events", "task.completed").await;
    let mut message = Message::json("task.events", "task.completed", &json!({ "task_id": 1 }));
    message.message_id = Some("m".to_owned());
    server.publish(message).await;
    depth(&server, &dead_letter_queue(QUEUE), 1).await;
    let notes = Notes::default();
    let queue = DeadQueue { home: Home::WhereItDied, ..dead_queue() };
    for _ in 0..12 {
        // Beyond the number of returns after which a copy takes its place.
        letters.visit(queue.clone(), noting(&notes, |_| Verdict::Leave)).await.unwrap();
        depth(&server, &dead_letter_queue(QUEUE), 1).await;
    }
    let expected = ("m".to_owned(), Some("expired".to_owned()), "task.completed".to_owned(), 0);
    assert!(notes.lock().unwrap().iter().all(|note| *note == expected), "{notes:?}");
    let visit = letters.visit(queue, |_| Verdict::Redrive).await.unwrap();
    assert_eq!((visit.redriven, visit.failed), (1, 0));
    publisher.stop().await;
}

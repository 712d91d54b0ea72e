//! Listening by key: only what was asked for is heard, a message with many keys is heard once, and after a loss
//! every key is bound again before anything relies on it.

use messaging::{Broker, Headers, Heard, Listener, Outgoing, Properties, Publisher, PublisherSettings};
use protocol::WireMessage;
use protocol::topology::{ExchangeKind, ExchangeSpec, Topology};
use test_support::{PATIENCE, TestBroker};
use tokio::sync::mpsc;

use crate::support::{Running, broker};

const EXCHANGE: ExchangeSpec =
    ExchangeSpec { name: "test.live", kind: ExchangeKind::Direct, durable: true, alternate: None };

/// A listener and what it hears.
struct Listening {
    running: Running<Listener>,
    heard: mpsc::Receiver<Heard>,
}

impl Listening {
    fn start(broker: &Broker) -> Self {
        let mut heard = None;
        let running = Running::start(|stop| {
            let (listener, hearer, task) = Listener::start(broker, EXCHANGE, stop);
            heard = Some(hearer);
            (listener, task)
        });
        Self { running, heard: heard.unwrap() }
    }

    async fn listen(&mut self, key: &str) {
        self.running.handle.listen(key.to_owned());
        self.hears(Heard::Bound(key.to_owned())).await;
    }

    async fn next(&mut self) -> Heard {
        tokio::time::timeout(PATIENCE, self.heard.recv()).await.expect("something to hear").unwrap()
    }

    async fn hears(&mut self, expected: Heard) {
        assert_eq!(self.next().await, expected);
    }

    async fn hears_message(&mut self, body: &str) {
        self.hears(Heard::Message(body.as_bytes().to_vec())).await;
    }
}

fn publisher(broker: &Broker) -> Running<Publisher> {
    let topology = Topology { exchanges: vec![EXCHANGE], ..Topology::default() };
    Running::start(|stop| Publisher::start(broker, topology, &PublisherSettings::default(), stop))
}

fn message(keys: &[&str], body: &str) -> Outgoing {
    let mut headers = Headers::default();
    headers.set_texts("BCC", keys.iter().copied());
    Outgoing {
        message: WireMessage {
            exchange: EXCHANGE.name.to_owned(),
            routing_key: String::new(),
            message_id: String::new(),
            event_type: String::new(),
            content_type: String::new(),
            correlation_id: None,
            traceparent: None,
            timestamp: 0,
            body: body.as_bytes().to_vec(),
        },
        properties: Properties { transient: true, optional: true, headers, ..Properties::default() },
    }
}

async fn publish(publisher: &Running<Publisher>, keys: &[&str], body: &str) {
    publisher.handle.publish(message(keys, body)).await.unwrap();
}

#[tokio::test]
async fn each_listener_hears_its_own_keys_and_each_message_once() {
    let server = TestBroker::create("listening").await;
    let broker = broker(server.url());
    let (mut one, mut two) = (Listening::start(&broker), Listening::start(&broker));
    one.hears(Heard::Connected).await;
    two.hears(Heard::Connected).await;
    for key in ["a", "b"] {
        one.listen(key).await;
    }
    two.listen("c").await;

    let publisher = publisher(&broker);
    publish(&publisher, &["x", "y"], "for nobody").await;
    publish(&publisher, &["a", "b"], "for one, under two keys").await;
    publish(&publisher, &["a", "c"], "for both").await;
    one.hears_message("for one, under two keys").await;
    one.hears_message("for both").await;
    two.hears_message("for both").await;

    one.running.handle.ignore("a".to_owned());
    one.listen("b").await;
    publish(&publisher, &["a"], "for nobody any more").await;
    publish(&publisher, &["b"], "for one still").await;
    one.hears_message("for one still").await;
    for listening in [one, two] {
        listening.running.stop().await;
    }
}

#[tokio::test]
async fn after_a_loss_every_key_is_bound_again() {
    let server = TestBroker::create("listening-again").await;
    let broker = broker(server.url());
    let mut listening = Listening::start(&broker);
    listening.hears(Heard::Connected).await;
    let mut keys: Vec<String> = (0..600).map(|number| format!("key-{number:03}")).collect();
    for key in &keys {
        listening.running.handle.listen(key.clone());
    }
    for key in &keys {
        listening.hears(Heard::Bound(key.clone())).await;
    }

    assert!(server.close_all_connections().await > 0);
    listening.hears(Heard::Lost).await;
    // A wish from the time without a session counts as well.
    keys.push("late".to_owned());
    listening.running.handle.listen("late".to_owned());
    listening.hears(Heard::Connected).await;
    let mut bound = Vec::new();
    while bound.len() < keys.len() {
        match listening.next().await {
            Heard::Bound(key) => bound.push(key),
            other => panic!("{other:?}"),
        }
    }
    bound.sort();
    assert_eq!(bound, keys);
    let publisher = publisher(&broker);
    publish(&publisher, &["late"], "again").await;
    publish(&publisher, &["key-599"], "and again").await;
    listening.hears_message("again").await;
    listening.hears_message("and again").await;
    listening.running.stop().await;
}

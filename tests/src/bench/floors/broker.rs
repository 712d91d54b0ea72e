//! Messages of the size of an event, published to one quorum queue by one confirming publisher.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use messaging::{Broker, BrokerSettings, Publisher, PublisherSettings};
use protocol::WireMessage;
use protocol::topology::{Argument, QueueSpec, Topology};
use test_support::TestBroker;
use tokio_util::sync::CancellationToken;

const QUEUE: &str = "floor";
const BODY: usize = 1_000;
const IN_FLIGHT: usize = 1_024;

/// Confirmed messages a second.
pub(super) async fn publish(time: Duration) -> f64 {
    let server = TestBroker::create("floor").await;
    let broker = Broker::new(&BrokerSettings::from_url(server.url()), "bench").expect("a broker's address");
    let queue = QueueSpec {
        name: QUEUE.to_owned(),
        durable: true,
        arguments: vec![("x-queue-type", Argument::Text("quorum".to_owned()))],
    };
    let topology = Topology { queues: vec![queue], ..Topology::default() };
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    let (publisher, _) = Publisher::start(&broker, topology, &PublisherSettings::default(), stop);
    publisher.publish(message(0)).await.expect("the broker takes messages");
    let (started, mut sent, mut confirmed) = (Instant::now(), 0_u64, 0_u64);
    let mut under_way = FuturesUnordered::new();
    while started.elapsed() < time {
        while under_way.len() < IN_FLIGHT {
            sent += 1;
            under_way.push(publisher.publish(message(sent)));
        }
        let outcome = under_way.next().await.expect("something is under way");
        outcome.expect("the broker takes messages");
        confirmed += 1;
    }
    confirmed as f64 / started.elapsed().as_secs_f64()
}

fn message(number: u64) -> WireMessage {
    WireMessage {
        exchange: String::new(),
        routing_key: QUEUE.to_owned(),
        message_id: number.to_string(),
        event_type: String::new(),
        content_type: "application/json".to_owned(),
        correlation_id: None,
        traceparent: None,
        timestamp: 0,
        body: vec![b'x'; BODY],
    }
}

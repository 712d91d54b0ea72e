//! Sessions that die: nothing is lost, nothing has to be restarted, what is missing at the broker is declared again.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use amqprs::channel::QueueDeleteArguments;
use amqprs::connection::{Connection, OpenConnectionArguments};
use messaging::{ConsumerHandle, Publisher, PublisherSettings};
use protocol::{EventId, WireMessage};
use test_support::{PATIENCE, Proxy, TestBroker, wait_for, wait_until};
use tokio_util::sync::CancellationToken;

use crate::support::{
    QUEUE, STARTED, Seen, all_done, broker, connected, consumer, first_copies, many, publisher,
    publisher_with, raw_consumer, settings, started, wire,
};

/// Publishes until told to stop, and says what was confirmed, in order.
async fn keep_publishing(publisher: Publisher, enough: CancellationToken) -> Vec<String> {
    let mut confirmed = Vec::new();
    while !enough.is_cancelled() {
        let (messages, ids) = many(20);
        assert_eq!(publisher.publish_all(messages).await, vec![Ok(()); 20]);
        confirmed.extend(ids.iter().map(ToString::to_string));
    }
    confirmed
}

/// Everything in the queue, taken by a consumer of ours.
async fn drain(server: &TestBroker, at_least: usize) -> Vec<String> {
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let seen = Seen::default();
    let taken = seen.clone();
    let consumer = raw_consumer(&broker, &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|delivery| taken.add(delivery.message_id.clone().unwrap()));
        all_done(batch.len())
    });
    wait_for("the queue to be drained", PATIENCE * 3, || async {
        let distinct: HashSet<String> = seen.all().into_iter().collect();
        (distinct.len() >= at_least).then_some(())
    })
    .await;
    consumer.stop().await;
    publisher.stop().await;
    seen.all()
}

#[tokio::test]
async fn messages_survive_connections_that_break_and_connections_that_the_broker_closes() {
    let server = TestBroker::create("cuts").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    let publisher = publisher(&broker(&proxy.url(server.url())));
    connected(&publisher.handle).await;
    let enough = CancellationToken::new();
    let publishing = tokio::spawn(keep_publishing(publisher.handle.clone(), enough.clone()));

    for _ in 0..3 {
        wait_until("messages in flight", PATIENCE, || async { publisher.handle.unconfirmed() > 0 }).await;
        proxy.cut();
        wait_until("the cut to be noticed", PATIENCE, || async { !publisher.handle.health().connected })
            .await;
        proxy.restore();
        connected(&publisher.handle).await;
    }
    assert!(server.close_all_connections().await > 0);
    let sessions_before = server.queue_depth(QUEUE).await.unwrap();
    wait_until("messages to flow again", PATIENCE, || async {
        server.queue_depth(QUEUE).await.unwrap() > sessions_before
    })
    .await;

    enough.cancel();
    let confirmed = publishing.await.unwrap();
    publisher.stop().await;
    let delivered = drain(&server, confirmed.len()).await;
    assert_eq!(first_copies(&delivered), confirmed, "all there, first copies in order");
}

#[tokio::test]
async fn a_consumer_goes_on_after_its_connection_was_closed_or_cut() {
    let server = TestBroker::create("resume").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    let direct = broker(server.url());
    let publisher = publisher(&direct);
    let seen = Seen::default();
    let taken = seen.clone();
    let consumer = consumer(&broker(&proxy.url(server.url())), &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|received| taken.add(received.event.id));
        all_done(batch.len())
    });
    let mut expected = HashSet::new();
    for round in 0..4 {
        let (messages, ids) = many(30);
        expected.extend(ids);
        publisher.handle.publish_all(messages).await;
        wait_for("the round to be handled", PATIENCE, || async {
            expected.is_subset(&seen.all().into_iter().collect()).then_some(())
        })
        .await;
        match round {
            0 | 1 => {
                proxy.cut();
                wait_until("the cut to be noticed", PATIENCE, || async {
                    !consumer.handle.health().connected
                })
                .await;
                proxy.restore();
            }
            2 => drop(server.close_all_connections().await),
            _ => {}
        }
    }
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn connections_that_are_open_on_our_side_only_are_found_out_and_replaced() {
    let server = TestBroker::create("halfopen").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    let broker = broker(&format!("{}?heartbeat=5", proxy.url(server.url())));
    let quick_to_doubt =
        PublisherSettings { stalled_after_ms: 100, confirm_timeout_ms: 600, ..PublisherSettings::default() };
    let publisher = publisher_with(&broker, &quick_to_doubt);
    let seen = Seen::default();
    let taken = seen.clone();
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|received| taken.add(received.event.id));
        all_done(batch.len())
    });
    connected(&publisher.handle).await;
    wait_until("the consumer to connect", PATIENCE, || async { consumer.handle.health().connected }).await;

    proxy.abandon();
    let (messages, ids) = many(30);
    let handle = publisher.handle.clone();
    let publishing = tokio::spawn(async move { handle.publish_all(messages).await });
    wait_until("the publisher to find out", PATIENCE * 3, || async { !publisher.handle.health().connected })
        .await;
    proxy.restore();
    assert_eq!(publishing.await.unwrap(), vec![Ok(()); 30]);
    wait_until("the consumer to find out and go on", PATIENCE * 3, || async {
        let seen: HashSet<EventId> = seen.all().into_iter().collect();
        ids.iter().all(|id| seen.contains(id))
    })
    .await;
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_deleted_queue_is_declared_again_and_consumed_again() {
    let server = TestBroker::create("deleted").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let seen = Seen::default();
    let taken = seen.clone();
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|received| taken.add(received.event.id));
        all_done(batch.len())
    });
    publisher.handle.publish(wire(&started())).await.unwrap();
    seen.reach(1).await;

    delete_queue(server.url(), QUEUE).await;
    // Until the binding is there again, events are kept as unrouted; so publish until one arrives.
    wait_for("an event to arrive in the new queue", PATIENCE, || async {
        publisher.handle.publish(wire(&started())).await.unwrap();
        (seen.count() > 1).then_some(())
    })
    .await;
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn what_was_delivered_and_not_acknowledged_is_delivered_again() {
    let server = TestBroker::create("unacked").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    let direct = broker(server.url());
    let publisher = publisher(&direct);
    let event = started();
    publisher.handle.publish(wire(&event)).await.unwrap();
    let seen = Seen::default();
    let (taken, release) = (seen.clone(), CancellationToken::new());
    let released = release.clone();
    let consumer = consumer(&broker(&proxy.url(server.url())), &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|received| taken.add(received.event.id));
        let (count, released) = (batch.len(), released.clone());
        Box::pin(async move {
            released.cancelled().await;
            all_done(count).await
        })
    });
    seen.reach(1).await;
    proxy.cut();
    wait_until("the cut to be noticed", PATIENCE, || async { !consumer.handle.health().connected }).await;
    // Too late: the session of that delivery is dead, so its acknowledgement is worth nothing.
    release.cancel();
    proxy.restore();
    seen.reach(2).await;
    assert_eq!(seen.all(), [event.id, event.id]);
    wait_until("the acknowledgement", PATIENCE, || async { server.queue_depth(QUEUE).await == Some(0) })
        .await;
    consumer.stop().await;
    publisher.stop().await;
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
}

#[tokio::test]
async fn a_broker_that_comes_late_is_waited_for() {
    let server = TestBroker::create("late").await;
    let proxy = Proxy::in_front_of(server.url()).await;
    proxy.cut();
    let publisher = publisher(&broker(&proxy.url(server.url())));
    let message: WireMessage = wire(&started());
    let handle = publisher.handle.clone();
    let publishing = tokio::spawn(async move { handle.publish(message).await });
    assert!(!publisher.handle.health().connected);
    proxy.restore();
    let confirmed = tokio::time::timeout(PATIENCE, publishing).await.expect("goes on by itself");
    confirmed.unwrap().unwrap();
    assert_eq!(server.next_message(QUEUE).await.routing_key, STARTED);
    publisher.stop().await;
}

#[tokio::test]
async fn a_message_that_kills_sessions_dies_without_its_neighbours() {
    let server = TestBroker::create("killer").await;
    let proxy = Arc::new(Proxy::in_front_of(server.url()).await);
    let publisher = publisher(&broker(server.url()));
    let (messages, ids) = many(50);
    let killer = ids[5];
    publisher.handle.publish_all(messages).await;
    let (done, handle) = (Seen::default(), Arc::new(OnceLock::<ConsumerHandle>::new()));
    let (taken, weather, own) = (done.clone(), Arc::clone(&proxy), Arc::clone(&handle));
    let consumer = consumer(&broker(&proxy.url(server.url())), &publisher.handle, settings(), move |batch| {
        let ids: Vec<EventId> = batch.iter().map(|received| received.event.id).collect();
        if !ids.contains(&killer) {
            ids.iter().for_each(|&id| taken.add(id));
            return all_done(ids.len());
        }
        let (weather, own) = (Arc::clone(&weather), Arc::clone(&own));
        Box::pin(async move {
            let own = wait_for("the consumer's handle", PATIENCE, || async { own.get() }).await;
            weather.cut();
            wait_until("the session to be dead", PATIENCE, || async { !own.health().connected }).await;
            weather.restore();
            all_done(ids.len()).await
        })
    });
    assert!(handle.set(consumer.handle.clone()).is_ok());

    let dead =
        wait_for("the killer to be dead", PATIENCE * 4, || server.get_message("test-events.dead")).await;
    assert_eq!(dead.message_id, Some(killer.to_string()));
    done.reach(49).await;
    let handled: HashSet<EventId> = done.all().into_iter().collect();
    assert_eq!(handled, ids.into_iter().filter(|&id| id != killer).collect());
    consumer.stop().await;
    publisher.stop().await;
    assert_eq!(server.queue_depth("test-events.dead").await, Some(0), "nothing else died");
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
}

async fn delete_queue(url: &str, queue: &str) {
    let rest = url.strip_prefix("amqp://").unwrap();
    let (login, rest) = rest.rsplit_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let (address, vhost) = rest.split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let mut arguments = OpenConnectionArguments::new(host, port.parse().unwrap(), user, password);
    arguments.virtual_host(vhost);
    let connection = Connection::open(&arguments).await.unwrap();
    let channel = connection.open_channel(None).await.unwrap();
    channel.queue_delete(QueueDeleteArguments::new(queue)).await.unwrap();
    channel.close().await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), connection.close()).await.unwrap().unwrap();
}

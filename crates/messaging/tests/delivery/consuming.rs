//! The consumer: batches, order, waiting for what is away, stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use messaging::{Consumer, ConsumerSettings, Delivery, HandlerError, Outcome, RawHandler, Turn};
use test_support::{PATIENCE, TestBroker, wait_until};
use tokio::sync::Semaphore;

use crate::support::{
    QUEUE, Running, Seen, all_done, at_once, broker, consumer, depth, many, publisher, settings, started,
    texts, topology, wire,
};

#[tokio::test]
async fn what_has_arrived_is_handled_together_in_order_and_acknowledged() {
    let server = TestBroker::create("batches").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let (messages, ids) = many(400);
    publisher.handle.publish_all(messages).await;
    let (seen, sizes) = (Seen::default(), Seen::default());
    let (taken, counted) = (seen.clone(), sizes.clone());
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        counted.add(batch.len());
        batch.iter().for_each(|received| taken.add(received.event.id));
        all_done(batch.len())
    });
    seen.reach(400).await;
    consumer.stop().await;
    assert_eq!(seen.all(), ids);
    assert!(sizes.all().into_iter().all(|size| size <= 200), "{:?}", sizes.all());
    assert!(sizes.count() < 200, "mostly batches, not single messages: {:?}", sizes.all());
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
    publisher.stop().await;
}

#[tokio::test]
async fn one_batch_at_a_time_unless_more_are_allowed() {
    for (allowed, batches_in_flight) in [(1, 1), (3, 3)] {
        let server = TestBroker::create("flight").await;
        let broker = broker(server.url());
        let publisher = publisher(&broker);
        publisher.handle.publish_all(many(60).0).await;
        let (running, most, done) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)), Seen::default());
        let state = Arc::new((running, Arc::clone(&most), done.clone(), Semaphore::new(0)));
        let shared = Arc::clone(&state);
        let settings = ConsumerSettings { max_batch: 10, batches_in_flight, ..settings() };
        let consumer = consumer(&broker, &publisher.handle, settings, move |batch| {
            let (shared, count) = (Arc::clone(&shared), batch.len());
            Box::pin(async move {
                let (running, most, done, gate) = &*shared;
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                (0..count).for_each(|_| done.add(()));
                all_done(count).await
            })
        });
        wait_until("handlers at work", PATIENCE, || async { most.load(Ordering::SeqCst) == allowed }).await;
        state.3.add_permits(100);
        done.reach(60).await;
        assert_eq!(most.load(Ordering::SeqCst), allowed);
        consumer.stop().await;
        publisher.stop().await;
    }
}

#[tokio::test]
async fn acknowledgements_gather_for_a_moment_and_not_until_more_comes() {
    let server = TestBroker::create("gather").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let seen = Seen::default();
    let taken = seen.clone();
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        batch.iter().for_each(|received| taken.add(received.event.id));
        all_done(batch.len())
    });
    publisher.handle.publish_all(many(3).0).await;
    seen.reach(3).await;
    wait_until("the acknowledgements", PATIENCE, || async {
        let queue = server.management(&format!("queues/{}/{QUEUE}", server.vhost())).await;
        queue["message_stats"]["ack"] == 3
    })
    .await;
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn batches_side_by_side_keep_their_order_where_their_handler_asks_for_it() {
    let server = TestBroker::create("turns").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let (messages, ids) = many(60);
    publisher.handle.publish_all(messages).await;
    let handler =
        Arc::new(InTurn { seen: Seen::default(), running: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    let settings = ConsumerSettings { max_batch: 1, batches_in_flight: 8, ..settings() };
    let consumer = Running::start(|stop| {
        let handler: Arc<dyn RawHandler> = handler.clone();
        Consumer::start_raw(&broker, topology(), publisher.handle.clone(), settings, handler, stop)
    });
    handler.seen.reach(60).await;
    consumer.stop().await;
    assert_eq!(handler.seen.all(), texts(&ids));
    assert!(handler.most.load(Ordering::SeqCst) > 1, "they were handled at the same time");
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
    publisher.stop().await;
}

/// Works for a while on each message, less on each further one, and tells of it in turn.
struct InTurn {
    seen: Seen<String>,
    running: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl RawHandler for InTurn {
    async fn handle(&self, batch: Vec<Arc<Delivery>>, mut turn: Turn) -> Result<Vec<Outcome>, HandlerError> {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        // Later ones are faster.
        for _ in 0..100_usize.saturating_sub(now * 10) {
            tokio::task::yield_now().await;
        }
        turn.come().await;
        batch.iter().for_each(|delivery| self.seen.add(delivery.message_id.clone().unwrap()));
        drop(turn);
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(vec![Outcome::Done; batch.len()])
    }
}

#[tokio::test]
async fn while_something_is_away_the_batch_waits_and_nothing_is_acknowledged() {
    let server = TestBroker::create("away").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    let (messages, ids) = many(5);
    publisher.handle.publish_all(messages).await;
    let (away, tries, seen) =
        (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)), Seen::default());
    let (is_away, tried, taken) = (Arc::clone(&away), Arc::clone(&tries), seen.clone());
    let consumer = consumer(&broker, &publisher.handle, settings(), move |batch| {
        tried.fetch_add(1, Ordering::SeqCst);
        if is_away.load(Ordering::SeqCst) {
            return at_once(Err(HandlerError::Unavailable("the database is away".to_owned())));
        }
        batch.iter().for_each(|received| taken.add((received.event.id, received.failures)));
        all_done(batch.len())
    });
    wait_until("several tries", PATIENCE, || async { tries.load(Ordering::SeqCst) >= 4 }).await;
    assert!(consumer.handle.health().stalled && consumer.handle.health().connected);
    assert_eq!(seen.count(), 0);
    away.store(false, Ordering::SeqCst);
    seen.reach(5).await;
    let expected: Vec<_> = ids.into_iter().map(|id| (id, 0)).collect();
    assert_eq!(seen.all(), expected, "the same messages, in order, and it does not count as their failure");
    wait_until("the stall to be over", PATIENCE, || async { consumer.handle.health().is_good() }).await;
    consumer.stop().await;
    assert_eq!(server.queue_depth(QUEUE).await, Some(0));
    publisher.stop().await;
}

#[tokio::test]
async fn stopping_lets_the_handler_finish_and_gives_the_rest_back() {
    let server = TestBroker::create("stopping").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    publisher.handle.publish_all(many(10).0).await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let (taken, open) = (seen.clone(), Arc::clone(&gate));
    let settings = ConsumerSettings { max_batch: 1, ..settings() };
    let consumer = consumer(&broker, &publisher.handle, settings, move |batch| {
        let (taken, open, count) = (taken.clone(), Arc::clone(&open), batch.len());
        Box::pin(async move {
            taken.add(());
            open.acquire().await.unwrap().forget();
            all_done(count).await
        })
    });
    seen.reach(1).await;
    consumer.stop.cancel();
    assert!(!consumer.task.is_finished());
    gate.add_permits(1);
    consumer.stop().await;
    assert_eq!(seen.count(), 1, "nothing new is begun");
    depth(&server, QUEUE, 9).await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_handler_that_does_not_finish_is_stopped_after_the_drain_timeout() {
    let server = TestBroker::create("hanging").await;
    let broker = broker(server.url());
    let publisher = publisher(&broker);
    publisher.handle.publish(wire(&started())).await.unwrap();
    let seen = Seen::default();
    let taken = seen.clone();
    let settings = ConsumerSettings { drain_timeout: std::time::Duration::from_millis(100), ..settings() };
    let consumer = consumer(&broker, &publisher.handle, settings, move |_| {
        taken.add(());
        Box::pin(std::future::pending())
    });
    seen.reach(1).await;
    consumer.stop().await;
    depth(&server, QUEUE, 1).await;
    publisher.stop().await;
}

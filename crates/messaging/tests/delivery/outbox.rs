//! The outbox: what is committed is published, through crashes, cuts and a full memory, and its rows go away.

use std::collections::HashSet;

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use messaging::{Broker, OutboxEntry, OutboxRelay, OutboxSettings, Publisher, outbox};
use protocol::TraceId;
use service_runtime::database::Pool;
use test_support::{PATIENCE, Proxy, TestBroker, TestDatabase, wait_until};

use crate::support::{
    QUEUE, Running, broker, connected, depth, first_copies, impatient_pool, message_ids_in, pool, publisher,
    started,
};

const TABLE: &str = "CREATE TABLE outbox (id uuid PRIMARY KEY, exchange text NOT NULL, routing_key text NOT NULL, \
    event_type text NOT NULL, content_type text NOT NULL, correlation_id text, traceparent text, \
    body bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(), claimed_until timestamptz); \
    CREATE INDEX outbox_created_at ON outbox (created_at);";

struct Lab {
    server: TestBroker,
    database: TestDatabase,
    pool: Pool,
    broker: Broker,
}

impl Lab {
    async fn new(hint: &str) -> Self {
        let server = TestBroker::create(hint).await;
        let database = TestDatabase::create(hint).await;
        database.client().await.batch_execute(TABLE).await.unwrap();
        let pool = pool(database.url());
        let broker = broker(server.url());
        Self { server, database, pool, broker }
    }

    /// Commits some events, as a service does.
    async fn commit(&self, count: usize) -> Vec<OutboxEntry> {
        let event = || started().in_trace(TraceId::generate());
        let entries: Vec<_> = (0..count).map(|_| OutboxEntry::from_event(&event()).unwrap()).collect();
        let mut connection = self.pool.get().await.unwrap();
        connection.transaction(async |connection| outbox::insert(connection, &entries).await).await.unwrap();
        entries
    }

    /// Makes all rows look as if they were written a minute ago.
    async fn age(&self) {
        let aging = "UPDATE outbox SET created_at = created_at - interval '1 minute'";
        self.database.client().await.batch_execute(aging).await.unwrap();
    }

    async fn rows(&self) -> i64 {
        let client = self.database.client().await;
        client.query_one("SELECT count(*) FROM outbox", &[]).await.unwrap().get(0)
    }

    async fn empty(&self) {
        wait_until("the outbox to be empty", PATIENCE, || async { self.rows().await == 0 }).await;
    }

    fn relay(&self, publisher: &Publisher, settings: &OutboxSettings) -> Running<OutboxRelay> {
        Running::start(|stop| OutboxRelay::start(self.pool.clone(), publisher.clone(), settings, stop))
    }
}

/// Sweeps often; rows count as left behind after the default time.
fn brisk() -> OutboxSettings {
    OutboxSettings { sweep_every_ms: 50, ..OutboxSettings::default() }
}

fn ids(entries: &[OutboxEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

#[tokio::test]
async fn committed_events_go_straight_from_memory_and_their_rows_are_deleted() {
    let lab = Lab::new("fastpath").await;
    let publisher = publisher(&lab.broker);
    // A sweeper that never comes: only the fast path can do it.
    let settings = OutboxSettings { sweep_every_ms: 3_600_000, ..OutboxSettings::default() };
    let relay = lab.relay(&publisher.handle, &settings);
    connected(&publisher.handle).await;
    let mut expected = Vec::new();
    for count in [1, 300, 7] {
        let entries = lab.commit(count).await;
        expected.extend(ids(&entries));
        relay.handle.dispatch(entries);
    }
    lab.empty().await;
    assert_eq!(message_ids_in(&lab.server, QUEUE).await, expected);
    relay.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn what_a_killed_service_committed_is_published_by_the_next_one() {
    let lab = Lab::new("killed").await;
    // Committed, and then nothing: the process died before it could dispatch.
    let entries = lab.commit(25).await;
    lab.age().await;
    let publisher = publisher(&lab.broker);
    let relay = lab.relay(&publisher.handle, &OutboxSettings::default());
    lab.empty().await;
    let got = lab.server.next_message(QUEUE).await;
    let first = &entries[0].message;
    assert_eq!(got.message_id.as_ref(), Some(&first.message_id));
    assert_eq!(got.message_type.as_ref(), Some(&first.event_type));
    assert_eq!(got.content_type.as_ref(), Some(&first.content_type));
    assert_eq!(got.correlation_id, first.correlation_id);
    assert_eq!(got.header("traceparent"), first.traceparent.as_deref());
    assert!(first.traceparent.is_some(), "the event's own trace goes with it");
    assert_eq!(got.body, first.body);
    let rest = message_ids_in(&lab.server, QUEUE).await;
    assert_eq!(rest, ids(&entries[1..]), "oldest first, each once");
    relay.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn two_sweepers_publish_each_row_once() {
    let lab = Lab::new("twosweepers").await;
    let entries = lab.commit(1200).await;
    lab.age().await;
    let (first, second) = (publisher(&lab.broker), publisher(&lab.broker));
    connected(&first.handle).await;
    connected(&second.handle).await;
    let relays = [lab.relay(&first.handle, &brisk()), lab.relay(&second.handle, &brisk())];
    lab.empty().await;
    let published = message_ids_in(&lab.server, QUEUE).await;
    assert_eq!(published.len(), 1200);
    let published: HashSet<String> = published.into_iter().collect();
    assert_eq!(published, ids(&entries).into_iter().collect());
    for relay in relays {
        relay.stop().await;
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn the_sweeper_leaves_alone_what_is_on_its_way_and_what_is_young() {
    let lab = Lab::new("onitsway").await;
    let proxy = Proxy::in_front_of(lab.server.url()).await;
    let publisher = publisher(&broker(&proxy.url(lab.server.url())));
    connected(&publisher.handle).await;
    let relay = lab.relay(&publisher.handle, &brisk());
    proxy.freeze();
    let entries = lab.commit(40).await;
    relay.handle.dispatch(entries.clone());
    lab.age().await;
    wait_until("the stall", PATIENCE, || async { publisher.handle.health().stalled }).await;
    proxy.restore();
    lab.empty().await;
    assert_eq!(message_ids_in(&lab.server, QUEUE).await, ids(&entries), "none twice");
    relay.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn while_the_broker_is_away_events_stay_in_the_outbox_and_flow_when_it_returns() {
    let lab = Lab::new("brokeraway").await;
    let proxy = Proxy::in_front_of(lab.server.url()).await;
    let publisher = publisher(&broker(&proxy.url(lab.server.url())));
    connected(&publisher.handle).await;
    let relay = lab.relay(&publisher.handle, &OutboxSettings::default());
    proxy.cut();
    wait_until("the cut to be noticed", PATIENCE, || async { !publisher.handle.health().connected }).await;
    let entries = lab.commit(600).await;
    relay.handle.dispatch(entries.clone());
    assert_eq!(lab.rows().await, 600);
    proxy.restore();
    lab.empty().await;
    assert_eq!(first_copies(&message_ids_in(&lab.server, QUEUE).await), ids(&entries));
    relay.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_left_to_the_sweeper() {
    let lab = Lab::new("memory").await;
    let publisher = publisher(&lab.broker);
    connected(&publisher.handle).await;
    let settings = OutboxSettings { memory_events: 10, sweep_after_ms: 100, ..brisk() };
    let relay = lab.relay(&publisher.handle, &settings);
    let entries = lab.commit(200).await;
    relay.handle.dispatch(entries.clone());
    lab.empty().await;
    let published = message_ids_in(&lab.server, QUEUE).await;
    assert_eq!(published.len(), 200);
    let published: HashSet<String> = published.into_iter().collect();
    assert_eq!(published, ids(&entries).into_iter().collect());
    relay.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_when_rows_should_go_costs_no_second_copy() {
    let mut lab = Lab::new("dbaway").await;
    let proxy = Proxy::in_front_of(lab.database.url()).await;
    let publisher = publisher(&lab.broker);
    connected(&publisher.handle).await;
    let entries = lab.commit(30).await;
    lab.pool = impatient_pool(&proxy.url(lab.database.url()));
    proxy.cut();
    let relay = lab.relay(&publisher.handle, &brisk());
    relay.handle.dispatch(entries.clone());
    depth(&lab.server, QUEUE, 30).await;
    lab.age().await;
    assert_eq!(lab.rows().await, 30);
    proxy.restore();
    lab.empty().await;
    assert_eq!(message_ids_in(&lab.server, QUEUE).await, ids(&entries), "none twice");
    relay.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn what_the_broker_refuses_stays_and_does_not_hold_up_the_rest() {
    let lab = Lab::new("refused").await;
    let publisher = publisher(&lab.broker);
    connected(&publisher.handle).await;
    let relay = lab.relay(&publisher.handle, &brisk());
    let mut astray = OutboxEntry::from_event(&started()).unwrap();
    astray.message.exchange = "no.such.exchange".to_owned();
    let connection = lab.pool.get().await.unwrap();
    outbox::insert(&connection, std::slice::from_ref(&astray)).await.unwrap();
    relay.handle.dispatch(vec![astray]);
    let entries = lab.commit(20).await;
    relay.handle.dispatch(entries.clone());
    wait_until("only the stray one to be left", PATIENCE, || async { lab.rows().await == 1 }).await;
    assert_eq!(first_copies(&message_ids_in(&lab.server, QUEUE).await), ids(&entries));
    relay.stop().await;
    publisher.stop().await;
}

#[tokio::test]
async fn stopping_publishes_and_deletes_what_was_dispatched_before() {
    let lab = Lab::new("relaystop").await;
    let publisher = publisher(&lab.broker);
    connected(&publisher.handle).await;
    let relay = lab.relay(&publisher.handle, &OutboxSettings::default());
    let entries = lab.commit(400).await;
    relay.handle.dispatch(entries.clone());
    // Both are told at the same moment, as in a service.
    publisher.stop.cancel();
    relay.stop().await;
    publisher.stop().await;
    assert_eq!(lab.rows().await, 0);
    assert_eq!(message_ids_in(&lab.server, QUEUE).await, ids(&entries));
}

#[tokio::test]
async fn a_rollback_takes_the_events_back_and_unsendable_ones_are_never_committed() {
    let lab = Lab::new("rollback").await;
    let mut connection = lab.pool.get().await.unwrap();
    let entry = OutboxEntry::from_event(&started()).unwrap();
    let rolled_back = connection
        .transaction(async |connection| {
            outbox::insert(connection, std::slice::from_ref(&entry)).await?;
            Err::<(), _>(DieselError::RollbackTransaction)
        })
        .await;
    assert_eq!(rolled_back, Err(DieselError::RollbackTransaction));
    let mut unsendable = entry;
    unsendable.message.routing_key = "k".repeat(300);
    let refused = outbox::insert(&connection, &[unsendable]).await;
    assert!(matches!(refused, Err(DieselError::SerializationError(_))), "{refused:?}");
    outbox::insert(&connection, &[]).await.unwrap();
    assert_eq!(lab.rows().await, 0);
}

//! The inbox: however often an event is delivered, it changes state once.

use std::collections::HashSet;

use chrono::{TimeDelta, Utc};
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use messaging::{HandlerError, Outcome, Received, inbox};
use protocol::EventId;
use service_runtime::database::Pool;
use test_support::{PATIENCE, Proxy, TestBroker, TestDatabase, wait_until};

use crate::support::{QUEUE, broker, consumer, impatient_pool, many, pool, publisher, settings, texts};

const TABLES: &str = "CREATE TABLE inbox (event_id uuid PRIMARY KEY, \
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()); \
    CREATE INDEX inbox_received_at ON inbox (received_at); \
    CREATE TABLE applied (event_id uuid NOT NULL);";

async fn lab(hint: &str) -> (TestDatabase, Pool) {
    let database = TestDatabase::create(hint).await;
    database.client().await.batch_execute(TABLES).await.unwrap();
    let pool = pool(database.url());
    (database, pool)
}

fn some(count: usize) -> Vec<EventId> {
    (0..count).map(|_| EventId::generate()).collect()
}

#[tokio::test]
async fn only_new_ids_are_claimed_and_a_rollback_gives_them_back() {
    let (_database, pool) = lab("claim").await;
    let mut connection = pool.get().await.unwrap();
    let ids = some(3);
    let rolled_back = connection
        .transaction(async |connection| {
            assert_eq!(inbox::claim(connection, &ids).await?.len(), 3);
            Err::<(), _>(DieselError::RollbackTransaction)
        })
        .await;
    assert_eq!(rolled_back, Err(DieselError::RollbackTransaction));
    let twice = [ids[0], ids[1], ids[0]];
    let first = inbox::claim(&connection, &twice).await.unwrap();
    assert_eq!(first, HashSet::from([ids[0], ids[1]]));
    let second = inbox::claim(&connection, &ids).await.unwrap();
    assert_eq!(second, HashSet::from([ids[2]]));
    assert!(inbox::claim(&connection, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn old_ids_are_forgotten_in_bounded_steps() {
    let (_database, pool) = lab("forget").await;
    let mut connection = pool.get().await.unwrap();
    inbox::claim(&connection, &some(5)).await.unwrap();
    let (past, future) = (Utc::now() - TimeDelta::hours(1), Utc::now() + TimeDelta::hours(1));
    assert_eq!(inbox::delete_before(&mut connection, past, 100).await.unwrap(), 0);
    assert_eq!(inbox::delete_before(&mut connection, future, 3).await.unwrap(), 3);
    assert_eq!(inbox::delete_before(&mut connection, future, 3).await.unwrap(), 2);
}

#[tokio::test]
async fn claims_of_the_same_ids_in_different_orders_do_not_block_each_other() {
    let (_database, pool) = lab("deadlock").await;
    let mut ids = some(500);
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..8 {
        ids.rotate_left(61);
        ids.reverse();
        let (pool, ids) = (pool.clone(), ids.clone());
        claims.spawn(async move {
            let mut connection = pool.get().await.unwrap();
            connection
                .transaction(async |connection| inbox::claim(connection, &ids).await)
                .await
                .unwrap()
                .len()
        });
    }
    assert_eq!(claims.join_all().await.into_iter().sum::<usize>(), 500, "each id was new once");
}

/// What a service does: claim, apply what is new, commit.
async fn apply(pool: Pool, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
    let unavailable = |error: &dyn std::fmt::Display| HandlerError::Unavailable(error.to_string());
    let mut connection = pool.get().await.map_err(|error| unavailable(&error))?;
    let ids: Vec<EventId> = batch.iter().map(|received| received.event.id).collect();
    let applying = connection.transaction(async |connection| {
        let mut new = inbox::claim(connection, &ids).await?;
        for id in ids.iter().filter(|id| new.remove(id)) {
            diesel::sql_query("INSERT INTO applied (event_id) VALUES ($1)")
                .bind::<diesel::sql_types::Uuid, _>(id.as_uuid())
                .execute(connection)
                .await?;
        }
        Ok::<_, DieselError>(())
    });
    applying.await.map_err(|error| unavailable(&error))?;
    Ok(vec![Outcome::Done; batch.len()])
}

#[tokio::test]
async fn events_delivered_twice_over_broken_connections_are_applied_once() {
    let (database, pool) = lab("once").await;
    let server = TestBroker::create("once").await;
    let broker_proxy = Proxy::in_front_of(server.url()).await;
    let database_proxy = Proxy::in_front_of(database.url()).await;
    drop(pool);
    let pool = impatient_pool(&database_proxy.url(database.url()));
    let publisher = publisher(&broker(server.url()));
    let consumer = consumer(
        &broker(&broker_proxy.url(server.url())),
        &publisher.handle,
        messaging::ConsumerSettings { max_batch: 7, ..settings() },
        move |batch| Box::pin(apply(pool.clone(), batch)),
    );
    let client = database.client().await;
    let applied =
        async || -> i64 { client.query_one("SELECT count(*) FROM applied", &[]).await.unwrap().get(0) };
    let (messages, ids) = many(300);
    for part in messages.chunks(100) {
        // Each event twice, as a sweeper or a reconnecting publisher may do.
        publisher.handle.publish_all([part, part].concat()).await;
        let before = applied().await;
        wait_until("some progress", PATIENCE, || async { applied().await > before }).await;
        broker_proxy.cut();
        database_proxy.cut();
        wait_until("the cut to be noticed", PATIENCE, || async { !consumer.handle.health().connected }).await;
        database_proxy.restore();
        broker_proxy.restore();
    }
    wait_until("all to be applied", PATIENCE, || async { applied().await >= 300 }).await;
    wait_until("all to be acknowledged", PATIENCE, || async { server.queue_depth(QUEUE).await == Some(0) })
        .await;
    consumer.stop().await;
    publisher.stop().await;
    let rows = client.query("SELECT event_id::text FROM applied", &[]).await.unwrap();
    assert_eq!(rows.len(), 300, "none twice");
    let distinct: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(distinct, texts(&ids).into_iter().collect());
}

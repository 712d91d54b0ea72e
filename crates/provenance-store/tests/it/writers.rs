//! Several replicas write at the same time and lose nothing.

use futures_util::future::join_all;
use provenance_store::policy::Policy;
use serde_json::json;
use uuid::Uuid;

use crate::events::{event, output, output_data, status, validated};
use crate::fixture::Store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producers_and_consumers_that_arrive_at_the_same_moment_find_each_other() {
    let store = Store::create("provenance_race").await;
    let store = &store;
    for round in 0..10 {
        let pairs = (0..4).map(|pair| async move {
            let (made, used) = (format!("made-{round}-{pair}"), format!("used-{round}-{pair}"));
            let producer = output(Uuid::now_v7(), 1, &used, 1);
            let data = output_data(Uuid::now_v7(), 1, &made, &[used.as_str()]);
            let consumer = event("task.output.created", 5, data);
            tokio::join!(store.apply([producer]), store.apply([consumer]))
        });
        join_all(pairs).await;
    }
    let linked = store
        .lines(
            "SELECT count(*)::text FROM artifact_dependencies edge JOIN artifacts used ON used.id = edge.input_id
             WHERE used.producer_seq IS NOT NULL",
        )
        .await;
    assert_eq!(linked, ["40"]);
    assert_eq!(store.lines("SELECT count(*)::text FROM artifacts").await, ["80"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_events_on_several_replicas_are_applied_once() {
    let store = Store::create("provenance_replicas").await;
    let events: Vec<_> = (0..20)
        .flat_map(|number| {
            let task = Uuid::now_v7();
            let name = format!("a-{number}");
            [status(task, 1, 1, "running", "executing", 1), output(task, 1, &name, 2), validated(task, 1, 3)]
        })
        .collect();
    let replicas = (0..4).map(|_| store.apply(events.clone()));
    let announced: usize = join_all(replicas).await.iter().map(Vec::len).sum();
    assert_eq!(announced, 20, "one event for each record, from whichever replica was first");
    assert_eq!(store.lines("SELECT count(*)::text FROM provenance_records").await, ["20"]);
    assert_eq!(store.lines("SELECT records::text FROM project_counters").await, ["20"]);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_nothing_behind_and_succeeds_later() {
    let store = Store::create("provenance_atomic").await;
    let task = Uuid::now_v7();
    let client = store.database.client().await;
    client.batch_execute("ALTER TABLE outbox ADD CONSTRAINT broken CHECK (false) NOT VALID").await.unwrap();
    let cause = event("task.output.created", 1, json!({"task_id": task, "artifact_id": "a"}));
    let heard = || {
        let told = provenance_store::records::translation::translate(&cause).unwrap();
        vec![provenance_store::records::Heard { event: cause.clone(), told }]
    };
    let now = crate::events::at(2).to_utc();
    let failed = provenance_store::records::apply_batch(
        &mut *store.connection().await,
        heard(),
        Policy::default(),
        &store.prices,
        now,
    )
    .await;
    assert!(failed.is_err());
    for table in ["provenance_records", "artifacts", "inbox", "task_attempts"] {
        assert_eq!(store.lines(&format!("SELECT count(*)::text FROM {table}")).await, ["0"], "{table}");
    }
    client.batch_execute("ALTER TABLE outbox DROP CONSTRAINT broken").await.unwrap();
    let follow = provenance_store::records::apply_batch(
        &mut *store.connection().await,
        heard(),
        Policy::default(),
        &store.prices,
        now,
    )
    .await;
    assert_eq!(follow.unwrap().len(), 1);
}

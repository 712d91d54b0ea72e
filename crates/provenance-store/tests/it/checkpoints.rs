//! Checkpoints are made, kept and given up; a rollback takes back what came later, and only that.

use protocol::provenance_query::CheckpointView;
use protocol::{CheckpointId, ProjectId};
use provenance_store::checkpoints::{self, CheckpointRules};
use provenance_store::policy::Policy;
use provenance_store::records::translation::translate;
use provenance_store::records::{Heard, apply_batch};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::events::{at, event};
use crate::fixture::Store;
use crate::marks::{tainted, work};

async fn checkpoint(store: &Store, second: i64) -> Uuid {
    let id = Uuid::now_v7();
    let wanted = json!({"checkpoint_id": id, "project_id": "shop", "description": "good"});
    let follow = store.order(event("checkpoint.requested", second, wanted)).await;
    assert_eq!(follow[0].message.routing_key, "checkpoint.created");
    id
}

async fn checkpoints(store: &Store) -> Vec<CheckpointView> {
    let project = ProjectId::new("shop").unwrap();
    checkpoints::list_checkpoints(&mut *store.connection().await, &project).await.unwrap()
}

fn data(entry: &messaging::OutboxEntry) -> Value {
    let document: Value = serde_json::from_slice(&entry.message.body).unwrap();
    document["data"].clone()
}

async fn statuses(store: &Store) -> Vec<String> {
    store
        .lines(
            "SELECT artifact_id || ' ' || status FROM provenance_records record
             JOIN artifacts ON producer_seq = record.seq ORDER BY 1",
        )
        .await
}

#[tokio::test]
async fn a_rollback_takes_back_what_came_after_the_checkpoint_and_says_so_beforehand() {
    let store = Store::create("checkpoints_rollback").await;
    store.apply([work(1, "a", &[])]).await;
    let good = checkpoint(&store, 5).await;
    let mut elsewhere = work(11, "elsewhere", &["b"]);
    if let protocol::EventData::TaskOutputCreated(output) = &mut elsewhere.data {
        output.project_id = Some(ProjectId::new("other").unwrap());
    }
    store.apply([work(10, "b", &["a"]), elsewhere]).await;
    let later = checkpoint(&store, 15).await;
    store.apply([work(20, "c", &["b"])]).await;

    let id = CheckpointId(good);
    let told = checkpoints::preview_rollback(&mut *store.connection().await, id).await.unwrap().unwrap();
    assert!(told.dry_run && told.error.is_none());
    assert_eq!((told.records_invalidated, told.task_ids.len()), (2, 2));
    assert_eq!(told.artifact_ids.iter().map(ToString::to_string).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(statuses(&store).await, ["a pending", "b pending", "c pending", "elsewhere pending"]);

    let rollback = Uuid::now_v7();
    let wanted = json!({"rollback_id": rollback, "checkpoint_id": good, "reason": "wrong turn"});
    let follow = store.order(event("rollback.requested", 30, wanted.clone())).await;
    assert_eq!(follow.len(), 3);
    let standing = data(&follow[0]);
    assert_eq!(standing["tainted"], json!(["b", "c"]));
    assert_eq!(data(&follow[1])["artifact_ids"], json!(["b", "c"]));
    assert_eq!(data(&follow[1])["propagate"], false);
    let done = data(&follow[2]);
    assert_eq!(done["moment"], standing["moment"]);
    assert_eq!(done["rollback_id"], json!(rollback));
    assert_eq!((&done["records_invalidated"], &done["dry_run"]), (&json!(2), &json!(false)));
    assert_eq!(done["task_ids"], json!(told.task_ids));
    assert_eq!(statuses(&store).await, ["a pending", "b tainted", "c tainted", "elsewhere pending"]);
    assert_eq!(
        store.lines("SELECT concat_ws(' ', project_id, records, tainted, suspect) FROM project_counters ORDER BY 1").await,
        ["other 1 0 0", "shop 3 2 0"]
    );
    let listed = checkpoints(&store).await;
    assert_eq!(
        listed.iter().map(|one| (one.checkpoint_id.as_uuid(), one.is_valid)).collect::<Vec<_>>(),
        [(later, false), (good, true)]
    );

    // Asking again changes nothing, whether under the same name or another.
    let again = store.order(event("rollback.requested", 31, wanted)).await;
    assert_eq!(data(&again[0]), done);
    let another = store.order(event("rollback.requested", 32, json!({"checkpoint_id": good}))).await;
    assert_eq!(data(another.last().unwrap())["records_invalidated"], 0);
    assert_eq!(store.lines("SELECT count(*)::text FROM taint_events").await, ["2"]);

    // What uses what was taken back is suspect; what is made anew is not.
    store.apply([work(40, "stale", &["c"])]).await;
    store.apply([work(50, "b", &["a"]), work(60, "d", &["b"])]).await;
    assert!(store.record("stale").await.taint.is_suspect);
    assert!(!store.record("b").await.taint.is_tainted);
    assert!(!store.record("d").await.taint.is_suspect);
}

#[tokio::test]
async fn a_reason_that_no_database_takes_keeps_nobody_from_returning() {
    let store = Store::create("checkpoints_reason").await;
    let good = checkpoint(&store, 0).await;
    let wanted = json!({"checkpoint_id": good, "reason": "wrong\u{0} turn"});
    let follow = store.order(event("rollback.requested", 1, wanted)).await;
    assert_eq!(data(&follow[0])["error"], Value::Null);
    assert_eq!(store.lines("SELECT reason FROM rollbacks").await, ["wrong\u{fffd} turn"]);
}

#[tokio::test]
async fn what_cannot_be_returned_to_is_said_and_changes_nothing() {
    let store = Store::create("checkpoints_refused").await;
    store.apply([work(1, "a", &[])]).await;
    let first = checkpoint(&store, 5).await;
    store.apply([work(10, "b", &[])]).await;
    let second = checkpoint(&store, 15).await;
    store.order(event("rollback.requested", 20, json!({"checkpoint_id": first}))).await;
    for (id, code) in [(second, "CHECKPOINT_INVALID"), (Uuid::now_v7(), "CHECKPOINT_NOT_FOUND")] {
        let follow = store.order(event("rollback.requested", 30, json!({"checkpoint_id": id}))).await;
        assert_eq!(data(&follow[0])["error"]["code"], code);
    }
    assert_eq!(statuses(&store).await, ["a pending", "b tainted"]);
    let unknown = CheckpointId(Uuid::now_v7());
    assert!(checkpoints::preview_rollback(&mut *store.connection().await, unknown).await.unwrap().is_none());
}

#[tokio::test]
async fn a_checkpoint_is_made_by_itself_after_so_many_records_and_the_newest_are_kept() {
    let store = Store::create("checkpoints_auto").await;
    let policy = Policy {
        checkpoints: CheckpointRules { every_records: Some(3), every_hours: Some(24), kept: Some(2) },
        ..Policy::default()
    };
    let mut told = Vec::new();
    for second in 0..10 {
        let event = work(second, &format!("a-{second}"), &[]);
        let heard = vec![Heard { told: translate(&event).unwrap(), event }];
        told.extend(
            apply_batch(&mut *store.connection().await, heard, policy, &store.prices, at(second).to_utc())
                .await
                .unwrap(),
        );
    }
    assert_eq!(told.iter().filter(|entry| entry.message.routing_key == "checkpoint.created").count(), 3);
    let listed = checkpoints(&store).await;
    let seen: Vec<_> =
        listed.iter().map(|one| (one.provenance_count, one.is_valid, one.trigger.as_str())).collect();
    assert_eq!(seen, [(9, true, "auto"), (6, true, "auto"), (3, false, "auto")]);

    let day = 24 * 3600;
    let mut conn = store.connection().await;
    for (second, made) in [(day, 0), (day + 10, 1), (3 * day, 0)] {
        let entries =
            checkpoints::take_overdue(&mut conn, policy.checkpoints, at(second).to_utc()).await.unwrap();
        assert_eq!(entries.len(), made, "at second {second}");
    }
}

#[tokio::test]
async fn a_rollback_of_something_tainted_already_takes_it_back_too() {
    let store = Store::create("checkpoints_tainted").await;
    let good = checkpoint(&store, 0).await;
    store.apply([work(1, "a", &[]), work(2, "b", &["a"])]).await;
    store.order(tainted(3, "a")).await;
    let follow = store.order(event("rollback.requested", 4, json!({"checkpoint_id": good}))).await;
    assert_eq!(data(follow.last().unwrap())["records_invalidated"], 2);
    assert_eq!(statuses(&store).await, ["a tainted", "b tainted"]);
    assert_eq!(
        store.lines("SELECT concat_ws(' ', records, tainted, suspect) FROM project_counters").await,
        ["2 2 0"]
    );
}

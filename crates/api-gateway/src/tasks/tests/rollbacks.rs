//! A rollback ends with the last of its tasks, whoever takes that.

use diesel_async::SimpleAsyncConnection;
use protocol::events::RollbackCompleted;
use protocol::{CheckpointId, RollbackId, TaskId};
use service_runtime::clock::Clock;
use test_support::{PATIENCE, wait_until};
use uuid::Uuid;

use super::fixture::Fixture;
use crate::trust::rollbacks::reopen_tasks;
use crate::trust::store::rollbacks::{mark_carried_out, mark_reopened, take_pending};

/// A rollback with so many tasks to run again, of which nobody knows any.
async fn rollback(fixture: &Fixture, tasks: usize) -> RollbackId {
    let told = RollbackCompleted {
        rollback_id: RollbackId(Uuid::now_v7()),
        checkpoint_id: CheckpointId(Uuid::now_v7()),
        project_id: None,
        trigger: None,
        records_invalidated: 0,
        artifact_ids: Vec::new(),
        superseded: Vec::new(),
        moment: None,
        task_ids: (0..tasks).map(|_| TaskId::generate()).collect(),
        dry_run: false,
        error: None,
    };
    let mut conn = fixture.service.connection().await.unwrap();
    assert!(mark_carried_out(&mut conn, &told, fixture.clock.now()).await.unwrap());
    told.rollback_id
}

async fn completed(fixture: &Fixture) -> i64 {
    fixture.number("SELECT count(*) FROM rollbacks WHERE status = 'completed'").await
}

#[tokio::test]
async fn two_replicas_that_take_the_last_tasks_at_once_end_the_rollback() {
    let fixture = Fixture::new("rollbacks_at_once").await;
    let id = rollback(&fixture, 2).await.as_uuid();
    let now = fixture.clock.now();
    let mut first = fixture.service.connection().await.unwrap();
    let mut second = fixture.service.connection().await.unwrap();
    for conn in [&mut first, &mut second] {
        conn.batch_execute("BEGIN").await.unwrap();
        assert_eq!(take_pending(conn, 1).await.unwrap().len(), 1, "what another has taken is left alone");
    }
    mark_reopened(&mut first, id, 1, now).await.unwrap();
    let ends_second = async {
        mark_reopened(&mut second, id, 1, now).await.unwrap();
        second.batch_execute("COMMIT").await.unwrap();
    };
    let observer = fixture.database.client().await;
    let waiting = "SELECT FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let ends_first = async {
        wait_until("the second waits for the first", PATIENCE, || async {
            !observer.query(waiting, &[]).await.unwrap().is_empty()
        })
        .await;
        first.batch_execute("COMMIT").await.unwrap();
    };
    tokio::join!(ends_second, ends_first);
    assert_eq!(completed(&fixture).await, 1);
    assert_eq!(fixture.number("SELECT tasks_reopened FROM rollbacks").await, 2);
}

#[tokio::test]
async fn a_rollback_that_has_no_task_left_and_was_not_ended_is_ended() {
    let fixture = Fixture::new("rollbacks_left").await;
    rollback(&fixture, 1).await;
    let client = fixture.database.client().await;
    client.batch_execute("DELETE FROM rollback_tasks").await.unwrap();
    assert_eq!(reopen_tasks(&fixture.service, 10).await.unwrap(), 0);
    assert_eq!(completed(&fixture).await, 1);

    // One whose tasks somebody is just taking is left to them.
    rollback(&fixture, 1).await;
    client.batch_execute("BEGIN; SELECT FROM rollback_tasks FOR UPDATE").await.unwrap();
    assert_eq!(reopen_tasks(&fixture.service, 10).await.unwrap(), 0);
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(completed(&fixture).await, 1);
    assert_eq!(reopen_tasks(&fixture.service, 10).await.unwrap(), 1);
    assert_eq!(completed(&fixture).await, 2);
}

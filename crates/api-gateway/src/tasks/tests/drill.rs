//! The failure drill: a crash after every persisted step of a task's way, then redelivery, leads to the same end.

use std::time::Duration;

use super::fixture::*;
use crate::tasks::task::Task;

/// Where the gateway dies while it handles a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    /// The database session ends before the commit: nothing of the batch is stored.
    BeforeCommit,
    /// After the commit, before the acknowledgement: the batch is delivered again, to another process.
    AfterCommit,
}

/// What the end is compared by.
#[derive(Debug, PartialEq)]
struct End {
    history: Vec<String>,
    status: protocol::vocabulary::TaskStatus,
    attempts: u32,
    outbox: Vec<String>,
    artifacts: usize,
}

/// Two attempts: the first is rejected. Each entry is one delivery, given the task as it is then.
const WAY: [fn(&Task) -> protocol::Event; 8] =
    [ready, started, output, rejected, ready, started, output, validated];

async fn run(gateway: &Fixture, project: &str, crash: Option<(usize, Crash)>) -> End {
    let id = gateway.submit(new_task(project)).await.submission.id;
    for (step, event) in WAY.iter().enumerate() {
        let event = event(&gateway.task(id).await);
        match crash.filter(|(at, _)| *at == step) {
            Some((_, Crash::AfterCommit)) => {
                gateway.tell(vec![event.clone()]).await;
                gateway.second().tell(vec![event]).await;
            }
            Some((_, Crash::BeforeCommit)) => {
                interrupt(gateway, event.clone()).await;
                gateway.second().tell(vec![event]).await;
            }
            None => gateway.tell(vec![event]).await,
        }
        if step == 3 {
            gateway.pass_time(Duration::from_secs(2)).await;
            gateway.admit(project).await;
        }
    }
    gateway.assert_counters_match_the_tasks().await;
    end(gateway, id).await
}

/// Handles the event while somebody else holds the history, and ends the session meanwhile.
async fn interrupt(gateway: &Fixture, event: protocol::Event) {
    let mut outsider = gateway.database.client().await;
    let lock = outsider.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE task_history IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let victim = gateway.second();
    let handled = tokio::spawn(async move { victim.deliver_or_fail(event).await });
    let observer = gateway.database.client().await;
    let waiting = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    test_support::wait_until("the batch waits for the lock", test_support::PATIENCE, || async {
        !observer.query(waiting, &[]).await.unwrap().is_empty()
    })
    .await;
    lock.rollback().await.unwrap();
    assert!(handled.await.unwrap().is_err(), "the batch must not have been handled");
}

async fn end(gateway: &Fixture, id: protocol::TaskId) -> End {
    let task = gateway.task(id).await;
    let client = gateway.database.client().await;
    let announced = "SELECT routing_key FROM outbox WHERE correlation_id = $1 ORDER BY routing_key";
    let rows = client.query(announced, &[&id.to_string()]).await.unwrap();
    End {
        history: gateway.history_words(id).await,
        status: task.status,
        attempts: task.attempt,
        outbox: rows.iter().map(|row| row.get(0)).collect(),
        artifacts: task.work.artifacts.len(),
    }
}

#[tokio::test]
async fn a_crash_after_any_persisted_step_and_a_redelivery_lead_to_the_same_end() {
    let gateway = Fixture::new("drill").await;
    let undisturbed = run(&gateway, "undisturbed", None).await;
    assert_eq!(undisturbed.status, protocol::vocabulary::TaskStatus::Completed);
    assert_eq!(
        undisturbed.history.len(),
        2 + WAY.len() + 1,
        "submitted, timer, admitted again, and the events"
    );
    for step in 0..WAY.len() {
        for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
            let project = format!("{crash:?}-{step}");
            let end = run(&gateway, &project, Some((step, crash))).await;
            assert_eq!(end, undisturbed, "{crash:?} at step {step}");
        }
    }
}

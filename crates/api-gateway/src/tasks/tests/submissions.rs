//! Taking tasks in.

use futures_util::future::join_all;
use protocol::TaskId;
use protocol::events::EventData;
use protocol::vocabulary::{Phase, Priority, TaskStatus};
use service_runtime::database::StoreError;

use super::fixture::*;
use crate::tasks::submission::{NewTask, SubmitError};
use crate::tasks::task::WaitingReason;

#[tokio::test]
async fn a_submission_is_read_back_as_it_was_answered() {
    let gateway = Fixture::new("submit").await;
    let mut new = new_task("web");
    new.description = "tab\tquote\" snowman ☃ backslash \\ nul \0".to_owned();
    new.metadata.insert("tags".to_owned(), serde_json::json!(["a", "b"]));
    new.metadata.insert("note".to_owned(), serde_json::json!("nul \0 and \\u0000"));
    new.priority = Some(Priority::High);
    let answered = gateway.submit(new).await;
    let stored = gateway.task(answered.submission.id).await;
    assert_eq!(stored.submission.description, "tab\tquote\" snowman ☃ backslash \\ nul \u{fffd}");
    assert_eq!(stored.submission.metadata["note"], "nul \u{fffd} and \\u0000");
    let mut expected = answered;
    expected.submission.description.clone_from(&stored.submission.description);
    expected.submission.metadata.clone_from(&stored.submission.metadata);
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn many_at_once_are_all_stored_and_as_many_released_as_there_are_slots() {
    let gateway = Fixture::new("group").await;
    let answers = join_all((0..300).map(|_| gateway.submitter.submit(new_task("web")))).await;
    let tasks: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let ids: std::collections::BTreeSet<TaskId> = tasks.iter().map(|task| task.submission.id).collect();
    assert_eq!(ids.len(), 300);
    let released: Vec<_> = tasks.iter().filter(|task| task.phase == Phase::Routing).collect();
    assert_eq!(released.len(), LIMIT as usize);
    let waits =
        |reason| tasks.iter().filter(move |task| task.waiting.as_ref().is_some_and(|w| w.reason == reason));
    assert_eq!(waits(WaitingReason::Slot).count(), 300 - LIMIT as usize);
    assert_eq!(gateway.announced().len(), LIMIT as usize, "one task.created for each that was released");
    assert_eq!(gateway.number("SELECT count(*) FROM outbox").await, i64::from(LIMIT));
    assert_eq!(gateway.number("SELECT count(*) FROM task_history").await, 300);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn task_created_tells_the_routing_engine_all_it_needs() {
    let gateway = Fixture::new("created").await;
    let task = gateway.submit(new_task("web")).await;
    let event = gateway.announced().remove(0);
    assert_eq!(
        (event.trace_id, event.correlation_id),
        (Some(task.submission.trace_id), Some(task.submission.id))
    );
    let EventData::TaskCreated(created) = event.data else { panic!("{event:?}") };
    assert_eq!((created.task_id, created.attempt), (task.submission.id, 1));
    assert_eq!(created.request_id, task.submission.request_id);
    assert_eq!(created.deadline_at.map(|time| time.to_utc()), task.deadline_at);
}

#[tokio::test]
async fn two_gateways_never_give_away_a_slot_twice() {
    let gateway = Fixture::new("replicas").await;
    let second = gateway.second();
    let submit = |index: u32| if index.is_multiple_of(2) { &gateway.submitter } else { &second.submitter };
    let answers = join_all((0..100).map(|index| submit(index).submit(new_task("web")))).await;
    let released = answers.iter().flatten().filter(|task| task.phase == Phase::Routing).count();
    assert_eq!((answers.iter().filter(|answer| answer.is_ok()).count(), released), (100, LIMIT as usize));
    gateway.assert_counters_match_the_tasks().await;
}

/// Slots are plenty when the batch looks, and then somebody whose change is committed later takes them away.
#[tokio::test]
async fn what_was_promised_without_holding_the_project_is_confirmed_before_the_commit() {
    let gateway = Fixture::new("confirm").await;
    let cases = [
        ("limit", "UPDATE projects SET max_concurrent = 1 WHERE project_id = 'limit'"),
        ("pause", "UPDATE projects SET paused_at = now() WHERE project_id = 'pause'"),
        (
            "tier",
            "SELECT FROM projects WHERE project_id = 'tier' FOR NO KEY UPDATE; \
             INSERT INTO paused_tiers (tier, paused_at) VALUES ('tiny', now())",
        ),
    ];
    for (project, change) in cases {
        gateway.submit(new_task(project)).await;
        let somebody = gateway.database.client().await;
        somebody.batch_execute("UPDATE projects SET max_concurrent = 100").await.unwrap();
        somebody.batch_execute(&format!("BEGIN; {change}")).await.unwrap();
        let options = serde_json::from_value(serde_json::json!({ "tier": "tiny" })).unwrap();
        let submitting = gateway.submit(NewTask { options, ..new_task(project) });
        let changing = async {
            test_support::wait_until("a writer that waits", test_support::PATIENCE, || async {
                gateway.number(WAITING_WRITERS).await == 1
            })
            .await;
            somebody.batch_execute("COMMIT").await.unwrap();
        };
        let (task, ()) = tokio::join!(submitting, changing);
        assert_eq!(
            (task.phase, gateway.task(task.submission.id).await.phase),
            (Phase::Submitted, Phase::Submitted),
            "{project}"
        );
        gateway.assert_counters_match_the_tasks().await;
    }
    assert_eq!(gateway.announced().len(), 3, "only the first of each project was released");
}

/// Transactions that wait for somebody's row behind their statement for the counters.
const WAITING_WRITERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND wait_event_type = 'Lock' AND query LIKE 'WITH held AS MATERIALIZED%'";

#[tokio::test]
async fn dependencies_have_to_be_tasks_of_the_same_project() {
    let gateway = Fixture::new("unknown").await;
    let own = gateway.submit(new_task("web")).await.submission.id;
    let foreign = gateway.submit(new_task("mobile")).await.submission.id;
    let nowhere = TaskId::generate();
    let bad = NewTask { depends_on: vec![own, foreign, nowhere], ..new_task("web") };
    let good = NewTask { depends_on: vec![own], ..new_task("web") };
    let (bad, good) = tokio::join!(gateway.submitter.submit(bad), gateway.submitter.submit(good));
    let Err(SubmitError::UnknownDependencies(unknown)) = bad else { panic!("{bad:?}") };
    assert_eq!(unknown, [foreign, nowhere]);
    let good = good.unwrap();
    assert_eq!((good.status, good.phase), (TaskStatus::Pending, Phase::Blocked));
    assert!(good.wake_at.is_some(), "a blocked task has a timer");
    assert_eq!(gateway.number("SELECT count(*) FROM tasks").await, 3);
}

#[tokio::test]
async fn the_most_urgent_of_a_batch_are_released_first() {
    let gateway = Fixture::new("urgent").await;
    let urgent = |index: u32| NewTask {
        priority: Some(if index < 5 { Priority::Low } else { Priority::Critical }),
        ..new_task("web")
    };
    // The first fills the writer's hands, so that the others wait together.
    let answers = join_all((0..8).map(|index| gateway.submitter.submit(urgent(index)))).await;
    let released = answers.iter().flatten().filter(|task| task.phase == Phase::Routing);
    let critical = released.filter(|task| task.submission.priority == Priority::Critical).count();
    assert!(critical >= LIMIT as usize - 1, "{critical}");
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_such_and_comes_back_without_a_restart() {
    let gateway = Fixture::new("away").await;
    let proxy = test_support::Proxy::in_front_of(gateway.database.url()).await;
    let behind = Replica::behind(&proxy.url(gateway.database.url()), &gateway.clock);
    behind.submit(new_task("web")).await;
    proxy.cut();
    let refused = behind.submitter.submit(new_task("web")).await;
    assert!(matches!(refused, Err(SubmitError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    proxy.restore();
    test_support::wait_until("the database is found again", test_support::PATIENCE, || async {
        behind.submitter.submit(new_task("web")).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_row_that_the_database_refuses_costs_nobody_else_their_task() {
    let gateway = Fixture::new("refused").await;
    let client = gateway.database.client().await;
    client
        .batch_execute("ALTER TABLE tasks ADD CONSTRAINT no_curses CHECK (description <> 'curse')")
        .await
        .unwrap();
    let new = |index: u32| NewTask {
        description: if index == 7 { "curse".to_owned() } else { "bless".to_owned() },
        ..new_task("web")
    };
    let answers = join_all((0..20).map(|index| gateway.submitter.submit(new(index)))).await;
    let refused: Vec<usize> =
        answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).map(|(index, _)| index).collect();
    assert_eq!(refused, [7]);
    assert!(matches!(&answers[7], Err(SubmitError::Store(StoreError::Internal(_)))));
    assert_eq!(gateway.number("SELECT count(*) FROM tasks").await, 19);
    gateway.assert_counters_match_the_tasks().await;
}

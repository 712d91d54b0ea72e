//! What events do to tasks.

use std::time::Duration;

use messaging::Outcome;
use protocol::TaskId;
use protocol::vocabulary::{Phase, TaskStatus};
use serde_json::json;

use super::fixture::*;
use crate::reconcilers::forecast::refresh_estimates;
use crate::tasks::queries::find_project_status;

const COMPLETED: (TaskStatus, Phase) = (TaskStatus::Completed, Phase::Done);

#[tokio::test]
async fn a_task_goes_from_submission_to_completed() {
    let gateway = Fixture::new("way").await;
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    refresh_estimates(&gateway.service).await.unwrap();
    assert_eq!(gateway.service.estimate_completion(&task), None, "nothing is measured yet");
    for event in whole_way(&task) {
        gateway.clock.advance(Duration::from_secs(5));
        gateway.tell(vec![event]).await;
    }
    let done = gateway.task(id).await;
    assert_eq!((done.status, done.phase), COMPLETED);
    assert_eq!(done.work.artifacts.len(), 1);
    assert_eq!(
        gateway.announced_about(id),
        [
            "task.created",
            "task.status.running",
            "task.status.running",
            "task.status.running",
            "task.status.completed"
        ]
    );
    let words = gateway.history_words(id).await;
    assert_eq!(words[0], "task.submitted:applied");
    assert_eq!(words.last().unwrap(), "task.validated:applied");
    assert_eq!(words.len(), 5);
    let status = find_project_status(&gateway.service, &task.submission.project_id).await.unwrap().unwrap();
    assert_eq!((status.by_status[&TaskStatus::Completed], status.active), (1, 0));
    assert_eq!((status.tokens_input, status.tokens_output), (100, 20));
    assert_eq!(status.average_execution_time_ms, Some(20_000.0));
    assert_eq!(status.by_tier["small"], 1);
    refresh_estimates(&gateway.service).await.unwrap();
    let next = gateway.submit(new_task("web")).await;
    let expected = next.admitted_at.unwrap() + Duration::from_secs(20);
    assert_eq!(gateway.service.estimate_completion(&next).map(|time| time.to_utc()), Some(expected));
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn one_batch_may_hold_the_whole_life_of_many_tasks() {
    let gateway = Fixture::new("batch").await;
    let mut events = Vec::new();
    let mut ids = Vec::new();
    for index in 0..4 {
        let task = gateway.submit(new_task(&format!("project-{index}"))).await;
        ids.push(task.submission.id);
        events.extend(whole_way(&task));
    }
    gateway.tell(events).await;
    for id in ids {
        assert_eq!(gateway.phase(id).await, COMPLETED);
    }
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_redelivered_event_changes_nothing() {
    let gateway = Fixture::new("twice").await;
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    let way = whole_way(&task);
    gateway.tell(vec![way[0].clone(), way[0].clone(), way[1].clone()]).await;
    gateway.tell(way.clone()).await;
    let once = (gateway.task(id).await, gateway.history_words(id).await, gateway.announced().len());
    gateway.tell(way.clone()).await;
    gateway.tell(vec![way[1].clone(), way[0].clone()]).await;
    assert_eq!((gateway.task(id).await, gateway.history_words(id).await, gateway.announced().len()), once);
    assert_eq!(once.1.len(), 5, "the submission and each event once");
}

#[tokio::test]
async fn what_an_earlier_attempt_sends_is_kept_in_the_history_and_ignored() {
    let gateway = Fixture::new("late").await;
    let first = gateway.submit(new_task("web")).await;
    let id = first.submission.id;
    gateway.tell(vec![ready(&first), started(&first), failed(&first)]).await;
    let waiting = gateway.task(id).await;
    assert_eq!((waiting.attempt, waiting.phase), (2, Phase::Submitted));
    gateway.pass_time(Duration::from_secs(2)).await;
    assert_eq!(gateway.admit("web").await, 1);
    let second = gateway.task(id).await;
    assert_ne!(second.request_id, first.request_id);
    gateway.tell(vec![output(&first), validated(&first)]).await;
    assert_eq!(gateway.task(id).await, second);
    let late = gateway.history(id).await.split_off(6);
    assert_eq!(late.iter().map(|entry| entry.applied).collect::<Vec<_>>(), [false, false]);
    assert_eq!(late[0].reason.as_deref(), Some("about attempt 1, the task is at attempt 2"));
    gateway.tell(whole_way(&second)).await;
    assert_eq!(gateway.phase(id).await, COMPLETED);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn an_event_about_an_unknown_task_waits_for_it_a_minute() {
    let gateway = Fixture::new("unknown").await;
    let mut task = gateway.submit(new_task("web")).await;
    task.submission.id = TaskId::generate();
    let outcomes = gateway.deliver(vec![started(&task)]).await;
    let [Outcome::Retry { within, reason }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(*within, Some(Duration::from_secs(60)));
    assert!(reason.contains(&task.submission.id.to_string()), "{reason}");
    assert_eq!(gateway.number("SELECT count(*) FROM inbox").await, 0, "it can still be applied later");
}

#[tokio::test]
async fn a_verdict_before_its_output_comes_back_and_is_applied_then() {
    let gateway = Fixture::new("early").await;
    let task = gateway.submit(new_task("web")).await;
    let verdict = validated(&task);
    let outcomes = gateway.deliver(vec![ready(&task), verdict.clone()]).await;
    assert!(matches!(&outcomes[..], [Outcome::Done, Outcome::Retry { .. }]), "{outcomes:?}");
    assert_eq!(gateway.phase(task.submission.id).await, (TaskStatus::Running, Phase::Ready));
    gateway.tell(vec![output(&task)]).await;
    gateway.tell(vec![verdict]).await;
    assert_eq!(gateway.phase(task.submission.id).await, COMPLETED);
}

#[tokio::test]
async fn a_verdict_whose_output_does_not_come_is_in_the_history_and_may_be_delivered_again() {
    let gateway = Fixture::new("unfounded").await;
    let task = gateway.submit(new_task("web")).await;
    let verdict = validated(&task);
    gateway.tell(vec![ready(&task)]).await;
    let soon = gateway.deliver_again(verdict.clone(), Duration::from_secs(30)).await;
    assert!(matches!(soon, Outcome::Retry { .. }), "{soon:?}");
    let last = gateway.deliver_again(verdict.clone(), Duration::from_secs(60)).await;
    let reason = "the event it builds on did not come; the task is ready";
    assert_eq!(last, Outcome::Dead { reason: reason.to_owned() });
    let history = gateway.history(task.submission.id).await;
    let line = history.last().unwrap();
    assert_eq!((line.event.as_str(), line.reason.as_deref()), ("task.validated", Some(reason)));
    gateway.tell(vec![output(&task)]).await;
    gateway.tell(vec![verdict]).await;
    assert_eq!(gateway.phase(task.submission.id).await, COMPLETED);
}

#[tokio::test]
async fn a_verdict_just_before_its_output_in_the_same_batch_is_applied_at_once() {
    let gateway = Fixture::new("swapped").await;
    let task = gateway.submit(new_task("web")).await;
    gateway.tell(vec![ready(&task), validated(&task), output(&task)]).await;
    assert_eq!(gateway.phase(task.submission.id).await, COMPLETED);
}

#[tokio::test]
async fn events_with_impossible_values_are_taken_in_and_harm_nobody() {
    let gateway = Fixture::new("values").await;
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    let huge = |name: &str| {
        told(
            name,
            id,
            json!({
                "artifact_id": "a", "worker_id": "w\0", "tokens_input": u64::MAX, "tokens_output": u64::MAX,
                "execution_time_ms": u64::MAX, "percent": 1e308, "message": "nul \0", "error": "nul \0 again",
            }),
        )
    };
    let future = told("task.started", id, json!({ "attempt": u32::MAX }));
    gateway.tell(vec![future, huge("task.progress"), huge("task.output.created")]).await;
    assert_eq!(gateway.task(id).await.work.worker_id.as_deref(), Some("w\u{fffd}"));
    gateway.tell(vec![huge("task.failed")]).await;
    gateway.pass_time(Duration::from_secs(2)).await;
    gateway.admit("web").await;
    gateway.tell(vec![huge("task.output.created"), validated(&gateway.task(id).await)]).await;
    assert_eq!(gateway.phase(id).await, COMPLETED);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn an_event_that_means_nothing_to_the_gateway_is_a_dead_letter() {
    let gateway = Fixture::new("meaning").await;
    let task = gateway.submit(new_task("web")).await;
    let cancelled = told("task.cancelled", task.submission.id, json!({}));
    let outcomes = gateway.deliver(vec![cancelled, started(&task)]).await;
    assert!(matches!(&outcomes[..], [Outcome::Dead { .. }, Outcome::Done]), "{outcomes:?}");
}

#[tokio::test]
async fn what_nobody_caused_still_belongs_to_the_tasks_trace() {
    let gateway = Fixture::new("trace").await;
    let task = gateway.submit(new_task("web")).await;
    gateway.tell(vec![ready(&task)]).await;
    gateway.pass_time(Duration::from_secs(601)).await;
    let announced = gateway.announced();
    assert_eq!(announced.len(), 3);
    assert!(announced.iter().all(|event| event.trace_id == Some(task.submission.trace_id)));
}

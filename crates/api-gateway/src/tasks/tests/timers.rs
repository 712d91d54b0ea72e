//! Timers, with a clock that the test moves.

use std::time::Duration;

use chrono::TimeDelta;
use protocol::Timestamp;
use protocol::vocabulary::{Phase, TaskStatus};
use serde_json::json;

use super::fixture::*;
use crate::reconcilers::timers::fire_due_timers;
use crate::tasks::lifecycle::{PhaseLimits, Rules};
use crate::tasks::store::read::find_next_due;
use crate::tasks::submission::NewTask;
use crate::tasks::task::WaitingReason;

#[tokio::test]
async fn a_task_does_not_start_before_its_time() {
    let gateway = Fixture::new("not_before").await;
    let time = Timestamp::from(gateway.service.now() + TimeDelta::hours(1));
    let id = gateway.submit(NewTask { not_before: Some(time), ..new_task("web") }).await.submission.id;
    assert_eq!(gateway.admit("web").await, 0);
    let mut conn = gateway.service.connection().await.unwrap();
    assert_eq!(find_next_due(&mut conn).await.unwrap(), Some(time.to_utc()));
    gateway.pass_time(Duration::from_secs(3599)).await;
    assert_eq!(gateway.task(id).await.waiting.unwrap().reason, WaitingReason::Backoff);
    gateway.pass_time(Duration::from_secs(1)).await;
    assert_eq!(gateway.task(id).await.waiting.unwrap().reason, WaitingReason::Slot);
    assert_eq!(gateway.admit("web").await, 1);
    assert_eq!(gateway.phase(id).await, (TaskStatus::Pending, Phase::Routing));
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn attempts_that_nobody_ends_time_out_until_none_is_left() {
    let gateway = Fixture::new("deadline").await;
    let id = gateway.submit(new_task("web")).await.submission.id;
    for attempt in 1..=3 {
        let task = gateway.task(id).await;
        assert_eq!((task.attempt, task.phase), (attempt, Phase::Routing));
        gateway.tell(vec![ready(&task), started(&task)]).await;
        gateway.pass_time(Duration::from_secs(600)).await;
        if attempt < 3 {
            gateway.pass_time(Duration::from_secs(10)).await;
            assert_eq!(gateway.admit("web").await, 1);
        }
    }
    let task = gateway.task(id).await;
    assert_eq!((task.status, task.errors.len()), (TaskStatus::Failed, 3));
    assert_eq!(task.error.unwrap().code, "TIMEOUT");
    assert_eq!(find_next_due(&mut gateway.service.connection().await.unwrap()).await.unwrap(), None);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn two_gateways_fire_every_timer_once() {
    let gateway = Fixture::new("timers").await;
    let second = gateway.second();
    let mut ids = Vec::new();
    for index in 0..30 {
        ids.push(gateway.submit(new_task(&format!("project-{index}"))).await.submission.id);
    }
    gateway.clock.advance(Duration::from_secs(121));
    let (here, there) = tokio::join!(fire_due_timers(&gateway.service), fire_due_timers(&second.service));
    assert_eq!(here.unwrap() + there.unwrap(), 30);
    for id in ids {
        assert_eq!(gateway.history_words(id).await, ["task.submitted:applied", "timer.due:applied"]);
    }
}

#[tokio::test]
async fn every_phase_has_a_timer_with_a_consequence_of_its_own() {
    let seconds = Duration::from_secs;
    let phase_limits = PhaseLimits {
        routing: Some(seconds(100)),
        ready: Some(seconds(200)),
        executing: Some(seconds(300)),
        validating: Some(seconds(400)),
        in_review: seconds(5_000),
        blocked: seconds(6_000),
        decomposed: seconds(7_000),
    };
    let rules = Rules { default_max_attempts: 1, phase_limits, ..Rules::default() };
    let gateway = Fixture::with_rules("phases", rules).await;
    let mut waiting = Vec::new();
    for (way, phase, limit, code) in [
        (0, Phase::Routing, 100, "ROUTING_TIMEOUT"),
        (1, Phase::Ready, 200, "READY_TIMEOUT"),
        (2, Phase::Executing, 300, "EXECUTION_TIMEOUT"),
        (3, Phase::Validating, 400, "VALIDATION_TIMEOUT"),
        (4, Phase::InReview, 5_000, "REVIEW_TIMEOUT"),
    ] {
        let task = gateway.submit(new_task(phase.as_str())).await;
        let review = json!({ "review_id": "r", "artifact_id": "a", "reason": "unsure" });
        let review = told("review.requested", task.submission.id, review);
        let events = [ready(&task), started(&task), output(&task), review];
        gateway.tell(events.into_iter().take(way).collect()).await;
        waiting.push((task.submission.id, phase, limit, code));
    }
    let in_review = waiting.last().unwrap().0;
    let dependent = NewTask { depends_on: vec![in_review], ..new_task(Phase::InReview.as_str()) };
    let dependent = gateway.submit(dependent).await.submission.id;
    waiting.push((dependent, Phase::Blocked, 6_000, "DEPENDENCY_TIMEOUT"));
    let split = gateway.submit(new_task("split")).await.submission.id;
    let plan = json!({ "attempt": 1, "subtasks": [{ "id": "part", "description": "a part" }] });
    gateway.tell(vec![told("task.decomposed", split, plan)]).await;
    waiting.push((split, Phase::Decomposed, 7_000, "SUBTASKS_TIMEOUT"));

    let mut passed = 0;
    for (id, phase, limit, code) in waiting {
        gateway.pass_time(seconds(limit - 1 - passed)).await;
        assert_eq!(gateway.task(id).await.phase, phase, "a second before its limit");
        gateway.pass_time(seconds(1)).await;
        let task = gateway.task(id).await;
        assert_eq!((task.status, task.error.unwrap().code.as_str()), (TaskStatus::Failed, code));
        passed = limit;
    }
    gateway.assert_counters_match_the_tasks().await;
}

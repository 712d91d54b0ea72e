//! Timers, with a clock that the test moves.

use std::time::Duration;

use chrono::TimeDelta;
use protocol::Timestamp;
use protocol::vocabulary::{Phase, TaskStatus};

use super::fixture::*;
use crate::reconcilers::timers::fire_due_timers;
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

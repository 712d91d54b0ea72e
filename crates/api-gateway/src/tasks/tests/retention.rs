//! What is forgotten, and when.

use std::time::Duration;

use super::fixture::{Fixture, new_task, whole_way};
use crate::reconcilers::retention::Retention;
use crate::reconcilers::schedule::{Pass, Reconciler};
use crate::settings::RetentionSettings;
use crate::tasks::store::history::delete_before;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn histories_of_ended_tasks_are_forgotten_in_time_and_others_stay() {
    let gateway = Fixture::new("retention").await;
    let ended = gateway.submit(new_task("web")).await;
    gateway.tell(whole_way(&ended)).await;
    let open = gateway.submit(new_task("web")).await;
    let settings = RetentionSettings { inbox_days: 14, history_days: 30, audit_days: 400 };
    let (service, keep) = (gateway.service.clone(), DAY);
    let mut retention =
        Retention { service, interval: DAY, settings, idempotency_keep: keep, history_walk: 0 };

    assert_eq!(retention.pass(true).await.unwrap(), Pass::Settled { next: None });
    assert!(gateway.history(ended.submission.id).await.len() >= 5, "nothing is old yet");

    gateway.clock.advance(DAY * 31);
    assert_eq!(retention.pass(true).await.unwrap(), Pass::Settled { next: None });
    assert_eq!(gateway.history(ended.submission.id).await, []);
    assert_eq!(gateway.task(ended.submission.id).await.status.as_str(), "completed", "the task itself stays");
    assert!(!gateway.history(open.submission.id).await.is_empty(), "a task under way keeps its history");
}

#[tokio::test]
async fn the_walk_through_old_histories_goes_on_where_it_stopped_and_looks_at_nothing_young() {
    let gateway = Fixture::new("walk").await;
    let service = &gateway.service;
    let open = gateway.submit(new_task("web")).await;
    let mut ended = Vec::new();
    for _ in 0..4 {
        let task = gateway.submit(new_task("app")).await;
        gateway.tell(whole_way(&task)).await;
        ended.push(task.submission.id);
    }
    let first_young = gateway.number("SELECT max(sequence) + 1 FROM task_history").await;
    gateway.clock.advance(DAY);
    let before = service.now();
    gateway.clock.advance(DAY);
    let young = gateway.submit(new_task("app")).await.submission.id;

    let mut conn = service.connection().await.unwrap();
    let (mut after, mut steps) = (0, 0);
    loop {
        let walked = delete_before(&mut conn, before, after, 3).await.unwrap();
        let Some(last) = walked.last else { break };
        assert!(last > after && last < first_young, "{last}");
        (after, steps) = (last, steps + 1);
        if walked.passed < 3 {
            break;
        }
    }
    assert!(steps >= 7, "four tasks with five lines each, three lines a step: {steps}");
    for id in ended {
        assert_eq!(gateway.history(id).await, []);
    }
    assert_eq!(gateway.history(open.submission.id).await.len(), 1, "it is under way");
    assert_eq!(gateway.history(young).await.len(), 1);
}

//! What is forgotten, and when.

use std::time::Duration;

use super::fixture::{Fixture, new_task, whole_way};
use crate::reconcilers::retention::Retention;
use crate::reconcilers::schedule::{Pass, Reconciler};
use crate::settings::RetentionSettings;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn histories_of_ended_tasks_are_forgotten_in_time_and_others_stay() {
    let gateway = Fixture::new("retention").await;
    let ended = gateway.submit(new_task("web")).await;
    gateway.tell(whole_way(&ended)).await;
    let open = gateway.submit(new_task("web")).await;
    let settings = RetentionSettings { inbox_days: 14, history_days: 30, audit_days: 400 };
    let (service, keep) = (gateway.service.clone(), DAY);
    let mut retention = Retention { service, interval: DAY, settings, idempotency_keep: keep };

    assert_eq!(retention.pass(true).await.unwrap(), Pass::Settled { next: None });
    assert!(gateway.history(ended.submission.id).await.len() >= 5, "nothing is old yet");

    gateway.clock.advance(DAY * 31);
    assert_eq!(retention.pass(true).await.unwrap(), Pass::Settled { next: None });
    assert_eq!(gateway.history(ended.submission.id).await, []);
    assert_eq!(gateway.task(ended.submission.id).await.status.as_str(), "completed", "the task itself stays");
    assert!(!gateway.history(open.submission.id).await.is_empty(), "a task under way keeps its history");
}

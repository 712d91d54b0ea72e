//! Counters that somebody spoiled are found and repaired; those that are right are left alone.

use std::time::Duration;

use super::fixture::*;
use crate::projects::audit::Drift;
use crate::reconcilers::counters::{Counters, repair_counters};
use crate::reconcilers::schedule::Reconciler;

#[tokio::test]
async fn planted_drift_is_found_told_and_repaired_project_by_project() {
    let gateway = Fixture::new("drift").await;
    for project in ["app", "web"] {
        for _ in 0..LIMIT + 2 {
            gateway.submit(new_task(project)).await;
        }
        let done = gateway.submit(new_task(project)).await;
        crate::tasks::cancellation::cancel_task(&gateway.service, done.submission.id, None).await.unwrap();
    }
    let routed = gateway.submit(new_task("tiers")).await;
    gateway.tell(vec![ready(&routed)]).await;
    assert_eq!(repair_counters(&gateway.service, "web").await.unwrap(), []);

    let spoil = "UPDATE projects SET active = active + 2, waiting = 0, cancelled = 7 WHERE project_id = 'web'; \
        UPDATE project_tiers SET tasks = 5; \
        INSERT INTO project_tiers (project_id, tier, tasks) VALUES ('tiers', 'large', 1)";
    gateway.database.client().await.batch_execute(spoil).await.unwrap();
    let mut found = repair_counters(&gateway.service, "web").await.unwrap();
    found.sort_by(|one, other| one.counter.cmp(&other.counter));
    let drift = |counter: &str, kept, counted| Drift { counter: counter.to_owned(), kept, counted };
    assert_eq!(found, [drift("active", 5, 3), drift("cancelled", 7, 1), drift("waiting", 0, 2)]);

    // The others are found on the way through all projects.
    let mut reconciler = Counters {
        service: gateway.service.clone(),
        interval: Duration::from_secs(1),
        last: String::new(),
        rest: Duration::ZERO,
    };
    for expected in ["app", "default", "tiers", "web", "", "app"] {
        reconciler.pass(true).await.unwrap();
        assert_eq!(reconciler.last, expected);
    }
    gateway.assert_counters_match_the_tasks().await;
    assert_eq!(gateway.admit("web").await, 0, "no slot is given away twice");
}

#[tokio::test]
async fn no_drift_is_seen_where_there_is_none_however_busy_the_project_is() {
    let gateway = Fixture::new("honest").await;
    let second = gateway.second();
    let work = async {
        for _ in 0..15 {
            let task = second.submit(new_task("web")).await;
            second.tell(whole_way(&task)).await;
            second.admit("web").await;
        }
    };
    let watch = async {
        for _ in 0..40 {
            assert_eq!(repair_counters(&gateway.service, "web").await.unwrap(), []);
        }
    };
    tokio::join!(work, watch);
    gateway.assert_counters_match_the_tasks().await;
}

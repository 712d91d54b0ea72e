//! How good estimates are: on tasks of two kinds whose durations vary, once a few hundred of them were measured.

use std::time::Duration;

use protocol::events::TaskOptions;
use protocol::vocabulary::{Domain, Tier};
use serde_json::json;
use uuid::Uuid;

use super::fixture::*;
use crate::reconcilers::forecast::refresh_estimates;
use crate::tasks::submission::NewTask;

/// Tasks that are measured before estimates count.
const MEASURED: usize = 200;
/// Tasks whose estimates are compared with what came.
const COMPARED: usize = 40;

/// A factor from 0.6 to 1.4 that only depends on the number.
fn spread(number: usize) -> f64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    0.6 + 0.8 * (mixed as f64 / (1_u64 << 53) as f64)
}

#[tokio::test]
async fn after_two_hundred_tasks_the_median_error_of_estimates_is_under_thirty_percent() {
    let gateway = Fixture::new("estimates").await;
    let mut errors = Vec::new();
    for number in 0..MEASURED + COMPARED {
        let (tier, mean_seconds) =
            if number.is_multiple_of(3) { (Tier::Large, 300.0) } else { (Tier::Small, 20.0) };
        let options = TaskOptions {
            tier: Some(tier.clone()),
            domain: Some(Domain::from("analysis")),
            ..TaskOptions::default()
        };
        let task = gateway.submit(NewTask { options, ..new_task("web") }).await;
        if number >= MEASURED {
            refresh_estimates(&gateway.service).await.unwrap();
        }
        let estimate = gateway.service.estimate_completion(&task);
        gateway.clock.advance(Duration::from_secs_f64(mean_seconds * spread(number)));
        let routed = told(
            &format!("task.ready.{tier}"),
            task.submission.id,
            json!({
                "project_id": "web", "domain": "analysis", "tier": tier, "description": "", "attempt": 1,
                "mode": "modify", "qa_profile": "consensus", "priority": "normal",
                "provenance_id": Uuid::nil(), "routing": { "analyzer": "pinned", "reasons": [] }
            }),
        );
        gateway.tell(vec![routed, output(&task), validated(&task)]).await;
        if let (Some(estimate), true) = (estimate, number >= MEASURED) {
            let ended = gateway.task(task.submission.id).await.completed_at.unwrap();
            let took = (ended - task.submission.created_at).as_seconds_f64();
            errors.push((estimate.to_utc() - ended).as_seconds_f64().abs() / took);
        }
    }
    assert_eq!(errors.len(), COMPARED);
    errors.sort_by(f64::total_cmp);
    let median = errors[COMPARED / 2];
    assert!(median < 0.3, "the median error is {median:.2}");
}

//! Checks are bounded, remembered and not repeated needlessly; the report adds them up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::*;

fn serving() -> Health {
    let health = Health::new();
    health.enter(LifePhase::Serving);
    health
}

/// A check whose answer can be changed, and that counts how often it was asked.
fn switchable(
    health: &Health,
    name: &'static str,
    importance: Importance,
) -> (Arc<AtomicBool>, Arc<AtomicU32>) {
    let (up, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
    let state = (Arc::clone(&up), Arc::clone(&asked));
    health.register(name, importance, move || {
        let (up, asked) = state.clone();
        async move {
            asked.fetch_add(1, Ordering::Relaxed);
            if up.load(Ordering::Relaxed) { Ok(()) } else { Err("away".to_owned()) }
        }
    });
    (up, asked)
}

#[tokio::test]
async fn a_required_dependency_makes_the_service_unhealthy_and_another_one_degraded() {
    for (database_up, broker_up, status, ready) in [
        (true, true, HealthStatus::Healthy, true),
        (true, false, HealthStatus::Degraded, true),
        (false, true, HealthStatus::Unhealthy, false),
        (false, false, HealthStatus::Unhealthy, false),
    ] {
        let health = serving();
        switchable(&health, "database", Importance::Required).0.store(database_up, Ordering::Relaxed);
        switchable(&health, "rabbitmq", Importance::Degrading).0.store(broker_up, Ordering::Relaxed);
        let report = health.report().await;
        assert_eq!((report.status, report.is_ready()), (status, ready), "{database_up} {broker_up}");
        let detail = report.dependency("database").unwrap().detail.as_deref();
        assert_eq!(detail, (!database_up).then_some("away"));
    }
}

#[tokio::test]
async fn work_that_is_only_put_off_makes_the_service_unready_for_those_who_do_not_tolerate_it() {
    let health = serving();
    let (broker, _) = switchable(&health, "rabbitmq", Importance::Deferring);
    broker.store(false, Ordering::Relaxed);
    let report = health.report().await;
    assert_eq!((report.status, report.is_ready()), (HealthStatus::Degraded, false));
    assert!(report.is_ready_despite(|name| name == "rabbitmq"));
    assert!(!report.is_ready_despite(|name| name == "database"));

    let health = serving();
    let (database, _) = switchable(&health, "database", Importance::Required);
    database.store(false, Ordering::Relaxed);
    assert!(!health.report().await.is_ready_despite(|_| true), "what is required cannot be tolerated away");
}

#[tokio::test]
async fn only_a_serving_service_is_ready() {
    let health = Health::new();
    assert!(!health.report().await.is_ready());
    health.enter(LifePhase::Serving);
    assert!(health.report().await.is_ready());
    health.enter(LifePhase::Draining);
    let report = health.report().await;
    assert_eq!(
        (report.is_ready(), report.status, report.phase),
        (false, HealthStatus::Healthy, LifePhase::Draining)
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_does_not_answer_counts_as_down_after_a_second() {
    let health = serving();
    health.register("database", Importance::Required, std::future::pending);
    let start = tokio::time::Instant::now();
    let report = health.report().await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!(report.dependency("database").unwrap().detail.as_deref(), Some("no answer within 1 s"));
}

#[tokio::test]
async fn probes_that_come_together_share_one_answer() {
    let health = serving();
    let (up, asked) = switchable(&health, "database", Importance::Required);
    join_all((0..50).map(|_| health.report())).await;
    up.store(false, Ordering::Relaxed);
    assert!(health.report().await.is_ready(), "the last answer is still fresh");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

//! Stages end in order and within their shares; a broken task ends the service.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::*;

fn group() -> (Shutdown, TaskGroup) {
    let shutdown = Shutdown::new();
    (shutdown.clone(), TaskGroup::new(shutdown))
}

#[tokio::test(start_paused = true)]
async fn each_stage_stops_after_the_one_before_it_has_finished() {
    let (shutdown, group) = group();
    let log = Arc::new(Mutex::new(Vec::new()));
    for (stage, name) in [(Stage::Output, "output"), (Stage::Intake, "intake"), (Stage::Work, "work")] {
        let (token, log) = (shutdown.token(stage), Arc::clone(&log));
        group.spawn(stage, name, async move {
            token.cancelled().await;
            log.lock().unwrap().push(format!("{name} stops"));
            tokio::time::sleep(Duration::from_secs(1)).await;
            log.lock().unwrap().push(format!("{name} has ended"));
        });
    }
    let drained = group.drain(Duration::from_secs(20)).await;
    assert!(drained.unfinished.is_empty());
    assert_eq!(
        *log.lock().unwrap(),
        [
            "intake stops",
            "intake has ended",
            "work stops",
            "work has ended",
            "output stops",
            "output has ended"
        ]
    );
    assert!(!shutdown.has_failed());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_stop_leaves_time_for_the_later_stages_and_is_named() {
    let (shutdown, group) = group();
    group.spawn(Stage::Intake, "deaf", std::future::pending::<()>());
    let token = shutdown.token(Stage::Output);
    group.spawn(Stage::Output, "publisher", async move {
        token.cancelled().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    });
    let start = Instant::now();
    let drained = group.drain(Duration::from_secs(10)).await;
    assert_eq!(drained.unfinished, ["deaf"]);
    assert_eq!(start.elapsed(), Duration::from_secs(7), "half of the time for intake, and what output needs");
}

#[tokio::test]
async fn a_task_that_ends_too_early_takes_the_service_down() {
    let (shutdown, group) = group();
    group.spawn(Stage::Work, "short", async {});
    shutdown.requested().await;
    assert!(shutdown.has_failed());
}

#[tokio::test]
async fn an_error_a_panic_and_an_abort_take_the_service_down() {
    let (shutdown, failing) = group();
    failing.spawn(Stage::Work, "error", async { Err::<(), _>("no") });
    shutdown.requested().await;
    assert!(shutdown.has_failed());

    let (shutdown, panicking) = group();
    panicking.spawn(Stage::Work, "panic", async { assert_eq!(1, 2, "as the test wants it") });
    shutdown.requested().await;
    assert!(shutdown.has_failed());

    let (shutdown, adopting) = group();
    let task = tokio::spawn(std::future::pending::<()>());
    let abort = task.abort_handle();
    adopting.adopt(Stage::Work, "abort", task);
    abort.abort();
    shutdown.requested().await;
    assert!(shutdown.has_failed());
}

#[tokio::test]
async fn a_request_is_no_failure_and_can_be_repeated() {
    let (shutdown, group) = group();
    let token = shutdown.token(Stage::Intake);
    group.spawn(Stage::Intake, "server", async move {
        token.cancelled().await;
        Ok::<(), String>(())
    });
    shutdown.request("once");
    shutdown.request("twice");
    assert!(shutdown.is_requested());
    assert!(!shutdown.token(Stage::Work).is_cancelled());
    assert!(group.drain(Duration::from_secs(10)).await.unfinished.is_empty());
    assert!(!shutdown.has_failed());
}

//! The life of a service process, seen from outside: exit codes, signals, endpoints, logs and traces
//! of the example `minimal_service`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod process {
    pub(crate) mod collector;
    pub(crate) mod running;
}

use std::time::{Duration, Instant};

use process::collector::Collector;
use process::running::{Running, run_to_end};
use test_support::{PATIENCE, wait_until};

#[test]
fn a_mistyped_setting_is_told_in_one_line_with_exit_code_64() {
    let ended = run_to_end(&[], &[("DATS_HTTP__PROT", "1")]);
    assert_eq!(ended.code, Some(64));
    assert_eq!(
        ended.stderr,
        "minimal-service: bad settings: http.prot: no such setting (in environment variable DATS_HTTP__PROT)\n"
    );
}

#[test]
fn settings_that_make_no_sense_exit_with_64_too() {
    for (name, value, complaint) in [
        ("DATS_RUNTIME__DRAIN_SECONDS", "0", "runtime.drain_seconds: must be at least 1"),
        ("LOG_LEVEL", "loud", "telemetry.log_level: 'loud' is not a level"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "telemetry.otlp_endpoint: must be an http://"),
    ] {
        let ended = run_to_end(&[], &[(name, value)]);
        assert_eq!(ended.code, Some(64), "{name}");
        assert!(ended.stderr.contains(complaint) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
}

#[test]
fn checking_the_settings_starts_nothing() {
    assert_eq!(run_to_end(&["--check-config"], &[]).code, Some(0));
    assert_eq!(run_to_end(&["--check-config"], &[("SERVICE_PORT", "x")]).code, Some(64));
    let missing = run_to_end(&["--config", "/nowhere.yaml", "--check-config"], &[]);
    assert_eq!(missing.code, Some(64));
    assert!(missing.stderr.contains("/nowhere.yaml"), "{}", missing.stderr);
}

#[tokio::test]
async fn a_service_answers_its_endpoints_and_ends_with_0_when_asked_to() {
    for signal in ["TERM", "INT"] {
        let service = Running::start(&[]).await;
        assert_eq!(service.get("/livez").await.0, 200);
        service.wait_until_ready().await;
        let (status, metrics) = service.get("/metrics").await;
        assert_eq!(status, 200);
        assert!(metrics.contains("dats_build_info{service=\"minimal-service\""), "{metrics}");
        service.signal(signal);
        let ended = service.wait().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("SIG{signal}")), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn the_health_check_command_asks_the_service_that_runs_with_the_same_settings() {
    let service = Running::start(&[]).await;
    let port = service.port().to_string();
    assert_eq!(run_to_end(&["healthcheck"], &[("SERVICE_PORT", &port)]).code, Some(0));
    assert_eq!(
        run_to_end(&["healthcheck"], &[("SERVICE_PORT", &port), ("DATS_HTTP__HOST", "0.0.0.0")]).code,
        Some(0)
    );
    service.signal("TERM");
    service.wait().await;
    assert_eq!(run_to_end(&["healthcheck"], &[("SERVICE_PORT", &port)]).code, Some(70));
}

#[tokio::test]
async fn a_task_that_fails_ends_the_service_with_70_and_its_reason() {
    let ended = Running::start(&[("DATS_PROBE__BEHAVIOUR", "fail")]).await.wait().await;
    assert_eq!(ended.code, Some(70));
    assert!(ended.stderr.contains("task probe failed: told to"), "{}", ended.stderr);
}

#[test]
fn a_start_that_fails_ends_with_70_and_its_reason() {
    let ended = run_to_end(&[], &[("DATS_PROBE__BEHAVIOUR", "refuse_to_start")]);
    assert_eq!(ended.code, Some(70));
    assert!(ended.stderr.contains("the start failed: told to"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_task_that_ignores_the_end_is_given_up_in_time_and_readiness_says_no_meanwhile() {
    let settings = [("DATS_PROBE__BEHAVIOUR", "ignore_the_end"), ("DATS_RUNTIME__DRAIN_SECONDS", "2")];
    let service = Running::start(&settings).await;
    service.wait_until_ready().await;
    let start = Instant::now();
    service.signal("TERM");
    wait_until("readiness to say no", PATIENCE, || async {
        let (status, body) = service.get("/readyz").await;
        status == 503 && body.contains("draining")
    })
    .await;
    let ended = service.wait().await;
    assert_eq!(ended.code, Some(70));
    assert!(ended.stderr.contains("probe"), "{}", ended.stderr);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_second_signal_ends_a_service_that_hangs() {
    let settings = [("DATS_PROBE__BEHAVIOUR", "ignore_the_end"), ("DATS_RUNTIME__DRAIN_SECONDS", "300")];
    let service = Running::start(&settings).await;
    service.wait_until_ready().await;
    service.signal("TERM");
    wait_until("the drain to begin", PATIENCE, || async { service.get("/readyz").await.0 == 503 }).await;
    service.signal("TERM");
    let ended = service.wait().await;
    assert_eq!(ended.code, Some(70));
    assert!(ended.stderr.contains("second signal"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_log_level_is_read_again_on_sighup() {
    let file = std::env::temp_dir().join(format!("minimal-service-{}.yaml", std::process::id()));
    std::fs::write(&file, "telemetry: { log_level: info }").unwrap();
    let service = Running::start(&[("DATS_CONFIG", file.to_str().unwrap())]).await;
    service.wait_until_ready().await;
    std::fs::write(&file, "telemetry: { log_level: loud }").unwrap();
    service.signal("HUP");
    service.wait_for_log("the log level stays as it was").await;
    std::fs::write(&file, "telemetry: { log_level: debug }").unwrap();
    service.signal("HUP");
    service.wait_for_log("log level set").await;
    service.signal("TERM");
    let ended = service.wait().await;
    std::fs::remove_file(&file).unwrap();
    assert!(ended.stderr.contains("a detail"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_log_level_is_changed_by_request_while_the_service_runs() {
    let service = Running::start(&[]).await;
    service.wait_until_ready().await;
    assert!(service.get("/log-level").await.1.ends_with("\r\n\r\ninfo"));
    let (status, problem) = service.put("/log-level", "loud").await;
    assert_eq!(status, 400);
    assert!(problem.contains("'loud' is not a level"), "{problem}");
    assert!(service.get("/log-level").await.1.ends_with("\r\n\r\ninfo"));
    assert_eq!(service.put("/log-level", "debug").await.0, 204);
    assert!(service.get("/log-level").await.1.ends_with("\r\n\r\ndebug"));
    service.signal("TERM");
    let ended = service.wait().await;
    assert!(ended.stderr.contains("a detail"), "{}", ended.stderr);
}

#[tokio::test]
async fn json_logs_are_flat_objects_with_the_fields_of_event_and_span_and_the_trace() {
    let service = Running::start(&[("DATS_TELEMETRY__LOG_FORMAT", "json")]).await;
    service.wait_for_log("at work").await;
    service.signal("TERM");
    let ended = service.wait().await;
    let lines: Vec<serde_json::Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["message"] == "at work").unwrap();
    assert_eq!((&line["level"], &line["service"]), (&"info".into(), &"minimal-service".into()));
    assert_eq!((&line["task.id"], &line["attempt"]), (&"t-1".into(), &2.into()));
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line}");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
}

#[tokio::test]
async fn spans_reach_a_collector_at_the_latest_when_the_service_ends() {
    let collector = Collector::start().await;
    let service = Running::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]).await;
    service.wait_for_log("at work").await;
    service.signal("TERM");
    assert_eq!(service.wait().await.code, Some(0));
    let request = collector.request().await;
    assert!(request.starts_with(b"POST /v1/traces HTTP/1.1\r\n"));
    for expected in ["work", "minimal-service", "task.id"] {
        assert!(request.windows(expected.len()).any(|part| part == expected.as_bytes()), "{expected}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_one_warning_and_no_time() {
    let nobody = Collector::start().await.url();
    let service = Running::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &nobody)]).await;
    service.wait_for_log("at work").await;
    let start = Instant::now();
    service.signal("TERM");
    let ended = service.wait().await;
    assert_eq!(ended.code, Some(0));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert_eq!(
        ended.stderr.matches("the trace collector does not take our spans").count(),
        1,
        "{}",
        ended.stderr
    );
}

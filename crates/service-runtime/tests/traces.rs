//! Trace context inside a process: ids promised to clients, parents from headers, and what is sent on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::sync::OnceLock;

use service_runtime::telemetry::{
    self, TelemetryGuard, TelemetrySettings, current_trace_id, current_traceparent, set_parent, set_trace_id,
};
use tracing::{Instrument, debug_span, info_span};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const PARENT_TRACE: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];

/// Telemetry belongs to the process, so the tests of this file share it. The log level is the quietest:
/// it must make no difference to traces.
fn telemetry() -> &'static TelemetryGuard {
    static GUARD: OnceLock<TelemetryGuard> = OnceLock::new();
    GUARD.get_or_init(|| {
        let settings = TelemetrySettings { log_level: "off".to_owned(), ..TelemetrySettings::default() };
        telemetry::init("probe", "1.2.3", &settings).unwrap()
    })
}

fn trace_of(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap()
}

fn span_of(traceparent: &str) -> &str {
    traceparent.split('-').nth(2).unwrap()
}

#[test]
fn outside_of_any_span_there_is_no_context() {
    telemetry();
    assert_eq!((current_traceparent(), current_trace_id()), (None, None));
}

#[test]
fn a_promised_trace_id_is_the_one_that_travels() {
    telemetry();
    let promised = *b"sixteen bytes ok";
    let span = info_span!("request");
    set_trace_id(&span, promised);
    let inside = span.in_scope(|| (current_traceparent().unwrap(), current_trace_id().unwrap()));
    assert_eq!(inside.1, promised);
    assert_eq!(trace_of(&inside.0), "7369787465656e206279746573206f6b");
    let other = info_span!("another request").in_scope(current_trace_id);
    assert_ne!(other, Some(promised), "the promise is for one trace only");
}

#[test]
fn a_promise_begins_a_new_trace_also_inside_of_another() {
    telemetry();
    let promised = *b"SIXTEEN BYTES OK";
    info_span!("outer").in_scope(|| {
        let span = info_span!("request");
        set_trace_id(&span, promised);
        assert_eq!(span.in_scope(current_trace_id), Some(promised));
        assert_ne!(current_trace_id(), Some(promised));
    });
}

#[tokio::test]
async fn a_parent_from_a_header_is_continued_across_tasks() {
    telemetry();
    let span = info_span!("delivery");
    set_parent(&span, Some(PARENT));
    let (own, child) = tokio::spawn(
        async {
            tokio::task::yield_now().await;
            let child = async { current_traceparent() }.instrument(info_span!("child")).await;
            (current_traceparent().unwrap(), child.unwrap())
        }
        .instrument(span),
    )
    .await
    .unwrap();
    assert_eq!((trace_of(&own), trace_of(&child)), (trace_of(PARENT), trace_of(PARENT)));
    assert!(own.ends_with("-01"), "the caller's sampling decision is passed on: {own}");
    let ids = [span_of(PARENT), span_of(&own), span_of(&child)];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

#[test]
fn a_malformed_or_absent_parent_leaves_the_span_where_it_is() {
    telemetry();
    for header in
        [None, Some(""), Some("00-xyz-1-1"), Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    {
        let span = info_span!("delivery");
        set_parent(&span, header);
        let id = span.in_scope(current_trace_id);
        assert!(id.is_some_and(|id| id != PARENT_TRACE && id != [0; 16]), "{header:?} {id:?}");
    }
}

#[test]
fn a_span_too_detailed_for_tracing_passes_on_the_context_around_it() {
    telemetry();
    let span = info_span!("request");
    set_parent(&span, Some(PARENT));
    let inside = span.in_scope(|| debug_span!("detail").in_scope(current_trace_id));
    assert_eq!(inside, Some(PARENT_TRACE));
}

#[test]
fn metrics_have_buckets_by_unit_build_data_and_what_collectors_add() {
    let metrics = telemetry().metrics();
    metrics::histogram!("probe_wait_seconds").record(0.003);
    metrics::histogram!("probe_batch_size").record(5.0);
    metrics.before_rendering(|| metrics::gauge!("probe_collected").set(7.0));
    metrics.compact();
    let text = metrics.render();
    for line in [
        "dats_build_info{service=\"probe\",version=\"1.2.3\"} 1",
        "probe_wait_seconds_bucket{le=\"0.0025\"} 0",
        "probe_wait_seconds_bucket{le=\"0.005\"} 1",
        "probe_batch_size_bucket{le=\"8\"} 1",
        "probe_collected 7",
        "# TYPE process_resident_memory_bytes gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn telemetry_is_set_up_once_and_refuses_nonsense() {
    telemetry();
    let with = |change: fn(&mut TelemetrySettings)| {
        let mut settings = TelemetrySettings::default();
        change(&mut settings);
        telemetry::init("probe", "1", &settings).err().unwrap().to_string()
    };
    assert_eq!(with(|_| {}), "telemetry was set up twice");
    assert!(with(|settings| settings.log_level = "loud".into()).starts_with("telemetry.log_level: 'loud'"));
    assert!(
        with(|settings| settings.otlp_endpoint = Some("collector".into()))
            .starts_with("telemetry.otlp_endpoint: ")
    );
}

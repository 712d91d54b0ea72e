//! Traces: spans of `tracing` become OpenTelemetry spans, so that their W3C context can travel in
//! HTTP and AMQP headers whether or not anything is exported.

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::trace_ids::{TraceIds, with_promised};
use super::{TelemetryError, TelemetrySettings, exporter};

const TRACEPARENT: &str = "traceparent";

/// The `traceparent` header for a message sent from here; `None` outside of any span.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let mut header = Header(None);
    TraceContextPropagator::new().inject_context(&current_context()?, &mut header);
    header.0
}

/// The 16 bytes of the trace we are in; `None` outside of any span.
#[must_use]
pub fn current_trace_id() -> Option<[u8; 16]> {
    Some(current_context()?.span().span_context().trace_id().to_bytes())
}

/// Makes `span` a child of the remote span that `traceparent` names. Call it before the span is
/// entered. Without a header, or with a malformed one, the span stays where it is.
pub fn set_parent(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let parent = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &Header(Some(traceparent.to_owned())));
    if parent.span().span_context().is_valid() {
        // Fails only for spans that are filtered out or entered already: nothing to lose then.
        let _ = span.set_parent(parent);
    }
}

/// Begins a new trace with `span` as its root and an id of the caller's choice. Call it before the
/// span is entered.
pub fn set_trace_id(span: &Span, trace_id: [u8; 16]) {
    let _ = span.set_parent(Context::new());
    with_promised(TraceId::from_bytes(trace_id), || {
        // Asking for the context is what starts the span, and a started span has its ids.
        let _ = span.context();
    });
}

/// Gives a span another name, also one that has begun: what it is about may be known only at its end.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// The context of the current span. A span that is too detailed for tracing has none of its own;
/// then it is that of the nearest one around it.
fn current_context() -> Option<Context> {
    let context = Span::current().context();
    if context.span().span_context().is_valid() {
        return Some(context);
    }
    let context = Context::current();
    context.span().span_context().is_valid().then_some(context)
}

/// A carrier with the one header that matters.
struct Header(Option<String>);

impl Extractor for Header {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.as_deref().filter(|_| key == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

impl Injector for Header {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = Some(value);
        }
    }
}

/// The maker of spans: with an exporter when a collector is set, else only of ids.
pub(super) fn provider(
    service: &'static str,
    version: &'static str,
    settings: &TelemetrySettings,
) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", version))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource).with_id_generator(TraceIds::default());
    let Some(endpoint) = settings.otlp_endpoint.as_deref() else {
        return Ok(builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))).build());
    };
    let sampler = Sampler::TraceIdRatioBased(settings.trace_sample_ratio);
    Ok(builder
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_batch_exporter(exporter::otlp(endpoint)?)
        .build())
}

/// The layer that turns spans of `tracing` into OpenTelemetry spans.
pub(super) fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_filter(filter_fn(is_traced))
}

/// The log level has no say in this: a quiet service still passes its callers' context on. What the
/// libraries below the exporter do must not be traced, or each export would cause another.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    const BELOW_THE_EXPORTER: [&str; 4] = ["opentelemetry", "hyper", "reqwest", "h2"];
    *metadata.level() <= Level::INFO
        && !BELOW_THE_EXPORTER.iter().any(|library| metadata.target().starts_with(library))
}

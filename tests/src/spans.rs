//! A collector of spans (OTLP over HTTP) for tests, and a picture of a trace.

mod picture;

pub use picture::picture;

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use uuid::Uuid;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A span as it reached the collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Who made it.
    pub service: String,
    /// What was done.
    pub name: String,
    /// Its kind, in lower case.
    pub kind: String,
    /// The trace.
    pub trace_id: Uuid,
    /// Its id.
    pub span_id: Vec<u8>,
    /// What it is a part of; empty for the first span of a trace.
    pub parent_id: Vec<u8>,
    /// Begin and end, in nanoseconds since 1970.
    pub time: (u64, u64),
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
}

/// See the module.
#[derive(Debug)]
pub struct Collector(MockServer);

impl Collector {
    /// Starts to collect.
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let taken =
            Mock::given(method("POST")).and(path("/v1/traces")).respond_with(ResponseTemplate::new(200));
        taken.mount(&server).await;
        Self(server)
    }

    /// The endpoint for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.uri()
    }

    /// The spans of a trace that have come so far, the earliest first.
    ///
    /// # Panics
    /// When something came that is no OTLP.
    pub async fn trace(&self, trace_id: Uuid) -> Vec<Collected> {
        let requests = self.0.received_requests().await.expect("requests are recorded");
        let mut spans: Vec<Collected> = requests
            .iter()
            .map(|request| ExportTraceServiceRequest::decode(request.body.as_slice()).expect("OTLP"))
            .flat_map(|request| request.resource_spans)
            .flat_map(|of_service| {
                let resource = of_service.resource.unwrap_or_default();
                let service =
                    text_attributes(&resource.attributes).remove("service.name").unwrap_or_default();
                let spans = of_service.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.map(|span| Collected::new(service.clone(), span)).collect::<Vec<_>>()
            })
            .filter(|span| span.trace_id == trace_id)
            .collect();
        spans.sort_by_key(|span| span.time);
        spans
    }
}

impl Collected {
    fn new(service: String, span: Span) -> Self {
        Self {
            service,
            kind: span.kind().as_str_name().trim_start_matches("SPAN_KIND_").to_lowercase(),
            attributes: text_attributes(&span.attributes),
            trace_id: Uuid::from_slice(&span.trace_id).unwrap_or_default(),
            name: span.name,
            span_id: span.span_id,
            parent_id: span.parent_span_id,
            time: (span.start_time_unix_nano, span.end_time_unix_nano),
        }
    }
}

fn text_attributes(
    attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue],
) -> BTreeMap<String, String> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        other => format!("{other:?}"),
    };
    attributes
        .iter()
        .filter_map(|pair| Some((pair.key.clone(), text(pair.value.as_ref()?.value.as_ref()?))))
        .collect()
}

//! A collector of spans (OTLP over HTTP) for tests, and a picture of a trace.

use std::collections::BTreeMap;
use std::fmt::Write;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
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

    /// Whether the span is that of a server's answer to a request.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.kind == SpanKind::Server.as_str_name().trim_start_matches("SPAN_KIND_").to_lowercase()
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

const ROW: u64 = 26;
const LEFT: u64 = 360;
const WIDTH: u64 = 560;

/// Draws a trace: a row for each span, a bar for its time, a colour for its service.
#[must_use]
pub fn picture(title: &str, spans: &[Collected]) -> String {
    let begin = spans.iter().map(|span| span.time.0).min().unwrap_or_default();
    let end = spans.iter().map(|span| span.time.1).max().unwrap_or_default();
    let whole = (end - begin).max(1);
    let height = 66 + ROW * spans.len() as u64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\" fill=\"#1f2933\">{}</text>\n",
        LEFT + WIDTH + 90,
        escaped(title)
    );
    for (row, span) in spans.iter().enumerate() {
        let top = 48 + ROW * row as u64;
        let x = LEFT + (span.time.0 - begin) * WIDTH / whole;
        let width = ((span.time.1 - span.time.0) * WIDTH / whole).max(3);
        let milliseconds = (span.time.1 - span.time.0) as f64 / 1e6;
        // Writing to a text cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"16\" y=\"{}\" fill=\"{color}\">{}</text><text x=\"146\" y=\"{}\" fill=\"#1f2933\">{}</text>\
             <rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"16\" rx=\"2\" fill=\"{color}\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"#52606d\" font-size=\"11\">{milliseconds:.1} ms</text>",
            top + 13,
            escaped(&span.service),
            top + 13,
            escaped(&span.name),
            x + width + 6,
            top + 12,
            color = color_of(&span.service),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn color_of(service: &str) -> &'static str {
    match service {
        "api-gateway" => "#2563eb",
        "routing-engine" => "#b45309",
        _ => "#047857",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

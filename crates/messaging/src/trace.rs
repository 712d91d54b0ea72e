//! Trace context across the broker: spans of batches and calls as children of whoever published, and the
//! `traceparent` of what we publish. Costs nothing to speak of while nobody collects spans.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use protocol::TraceId as OurTraceId;
use protocol::trace_context::TraceParent;
use service_runtime::telemetry;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::delivery::Delivery;

tokio::task_local! {
    /// Of messages that are handled together: the span of each, by its trace.
    static MESSAGES: HashMap<OurTraceId, TraceParent>;
}

/// Links on a batch's span; more would only be noise.
const MOST_LINKS: usize = 32;

/// The span of a batch: a child of the publisher's if the batch is one message, else linked to the publishers'.
pub(crate) fn batch_span(queue: &str, batch: &[Arc<Delivery>]) -> Span {
    let span = process_span(queue, batch.len());
    if span.is_disabled() {
        return span;
    }
    if let [only] = batch {
        telemetry::set_parent(&span, only.traceparent.as_deref());
    } else {
        // A link to what nobody has collected leads nowhere.
        let publishers = batch.iter().filter_map(|delivery| remote(delivery.traceparent.as_deref()));
        publishers
            .filter(SpanContext::is_sampled)
            .take(MOST_LINKS)
            .for_each(|publisher| span.add_link(publisher));
    }
    span
}

/// A span for each message of a batch of several, in the trace of its publisher, so that no trace has a hole where its
/// message was handled together with others. They last for as long as they are held.
pub(crate) fn message_spans(queue: &str, batch: &[Arc<Delivery>]) -> Vec<Span> {
    if batch.len() < 2 {
        return Vec::new();
    }
    let collected = |delivery: &&Arc<Delivery>| {
        delivery.traceparent.as_deref().and_then(TraceParent::parse).is_some_and(|parent| parent.sampled)
    };
    let begin = |delivery: &Arc<Delivery>| {
        let span = process_span(queue, 1);
        telemetry::set_parent(&span, delivery.traceparent.as_deref());
        // A span begins when it is entered.
        span.in_scope(|| {});
        span
    };
    batch.iter().filter(collected).map(begin).collect()
}

/// Runs the work on a batch; an event that follows becomes a child of the message of its own trace.
pub(crate) async fn among<F: Future>(messages: &[Span], work: F) -> F::Output {
    let parents = messages.iter().filter_map(|span| span.in_scope(current));
    MESSAGES.scope(parents.map(|parent| (parent.trace_id, parent)).collect(), work).await
}

/// Named as OpenTelemetry's conventions for messaging have it.
fn process_span(queue: &str, messages: usize) -> Span {
    info_span!(
        "process messages",
        otel.name = format!("process {queue}"),
        otel.kind = "consumer",
        messaging.system = "rabbitmq",
        "messaging.operation.type" = "process",
        messaging.destination.name = queue,
        messaging.batch.message_count = messages,
    )
}

/// The span of answering a request.
pub(crate) fn request_span(queue: &str, traceparent: Option<&str>) -> Span {
    let span = info_span!(
        "answer request",
        otel.name = format!("process {queue}"),
        otel.kind = "consumer",
        messaging.system = "rabbitmq",
        "messaging.operation.type" = "process",
        messaging.destination.name = queue,
    );
    if !span.is_disabled() {
        telemetry::set_parent(&span, traceparent);
    }
    span
}

/// What to send along so that the receiver's span becomes a child of the current one; `None` outside of any span.
pub(crate) fn current() -> Option<TraceParent> {
    telemetry::current_traceparent().as_deref().and_then(TraceParent::parse)
}

/// As [`current`], for an event that belongs to a trace of its own: handlers of batches work for many traces at once,
/// and an event must not change from its own to another one's.
pub(crate) fn current_within(trace_id: Option<OurTraceId>) -> Option<TraceParent> {
    let current = current();
    let Some(trace_id) = trace_id else { return current };
    if current.is_none_or(|parent| parent.trace_id != trace_id)
        && let Ok(Some(message)) = MESSAGES.try_with(|messages| messages.get(&trace_id).copied())
    {
        return Some(message);
    }
    Some(match current {
        Some(parent) => TraceParent { trace_id, ..parent },
        // No span is recorded here. The parent must not be zero; half of the trace id will do.
        None => TraceParent { trace_id, parent_id: (trace_id.0.as_u64_pair().1).max(1), sampled: false },
    })
}

fn remote(traceparent: Option<&str>) -> Option<SpanContext> {
    let parent = TraceParent::parse(traceparent?)?;
    let flags = if parent.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    Some(SpanContext::new(
        TraceId::from_bytes(parent.trace_id.0.into_bytes()),
        SpanId::from_bytes(parent.parent_id.to_be_bytes()),
        flags,
        true,
        TraceState::default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_event_follows_the_message_of_its_own_trace() {
        let message = TraceParent { trace_id: OurTraceId::generate(), parent_id: 7, sampled: true };
        let messages = HashMap::from([(message.trace_id, message)]);
        let among =
            |trace_id| MESSAGES.scope(messages.clone(), async move { current_within(Some(trace_id)) });
        assert_eq!(among(message.trace_id).await, Some(message));
        let other = OurTraceId::generate();
        assert_eq!(among(other).await.unwrap().trace_id, other, "another one stays in its own trace");
    }

    #[test]
    fn an_event_keeps_its_trace_when_nothing_is_recorded() {
        let trace_id = OurTraceId::generate();
        let parent = current_within(Some(trace_id)).unwrap();
        assert_eq!(parent.trace_id, trace_id);
        assert_eq!(TraceParent::parse(&parent.to_header()), Some(parent));
        assert_eq!(current_within(None), None);
    }
}

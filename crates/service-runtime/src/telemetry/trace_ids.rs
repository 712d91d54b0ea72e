//! Ids of new traces: random, unless the caller has already promised one to a client.

use std::cell::Cell;

use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// The id for the next trace that is begun on this thread.
    static PROMISED: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Runs `begin`, in which a trace that is begun gets the id `trace_id`.
pub(super) fn with_promised<T>(trace_id: TraceId, begin: impl FnOnce() -> T) -> T {
    PROMISED.set(Some(trace_id));
    let result = begin();
    PROMISED.set(None);
    result
}

/// Makes ids; see the module.
#[derive(Debug, Default)]
pub(super) struct TraceIds(RandomIdGenerator);

impl IdGenerator for TraceIds {
    fn new_trace_id(&self) -> TraceId {
        PROMISED.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

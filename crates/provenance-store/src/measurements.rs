//! Names and descriptions of this service's own metrics.

use metrics::{Unit, describe_counter, describe_histogram};

pub(crate) const EVENTS: &str = "dats_provenance_events_total";
pub(crate) const QUERY_SECONDS: &str = "dats_provenance_query_duration_seconds";

/// Describes the metrics to the installed recorder.
pub(crate) fn describe() {
    describe_counter!(EVENTS, "Events taken, by outcome: kept, or refused because they cannot be kept");
    describe_histogram!(QUERY_SECONDS, Unit::Seconds, "From taking a question to its answer, by outcome");
}

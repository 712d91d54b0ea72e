//! Names and descriptions of this service's own metrics.

use metrics::{Unit, describe_counter, describe_histogram};

pub(crate) const EVENTS: &str = "dats_provenance_events_total";
pub(crate) const FALSE_CHECKSUMS: &str = "dats_provenance_false_checksums_total";
pub(crate) const COST: &str = "dats_provenance_cost_micro_units_total";
pub(crate) const UNPRICED: &str = "dats_provenance_unpriced_records_total";
pub(crate) const QUERY_SECONDS: &str = "dats_provenance_query_duration_seconds";

/// Describes the metrics to the installed recorder.
pub(crate) fn describe() {
    describe_counter!(EVENTS, "Events taken, by outcome: kept, or refused because they cannot be kept");
    describe_counter!(FALSE_CHECKSUMS, "Contents that came along and were not what their checksum said");
    describe_counter!(COST, "What recorded work cost, in millionths of the currency unit, by tier");
    describe_counter!(UNPRICED, "Records that were judged and whose cost is not known, by tier");
    describe_histogram!(QUERY_SECONDS, Unit::Seconds, "From taking a question to its answer, by outcome");
}

//! Names and descriptions of every metric of this crate, in one place.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) const SESSIONS: &str = "dats_broker_sessions_total";
pub(crate) const PUBLISHED: &str = "dats_published_messages_total";
pub(crate) const REPUBLISHED: &str = "dats_republished_messages_total";
pub(crate) const UNCONFIRMED: &str = "dats_unconfirmed_messages";
pub(crate) const CONFIRM_SECONDS: &str = "dats_confirm_duration_seconds";
pub(crate) const DELIVERED: &str = "dats_delivered_messages_total";
pub(crate) const REDELIVERED: &str = "dats_redelivered_messages_total";
pub(crate) const RETRIED: &str = "dats_retried_messages_total";
pub(crate) const DEAD_LETTERED: &str = "dats_dead_letters_total";
pub(crate) const BATCH_SIZE: &str = "dats_batch_messages";
pub(crate) const BATCH_SECONDS: &str = "dats_batch_duration_seconds";
pub(crate) const HANDLER_PANICS: &str = "dats_handler_panics_total";
pub(crate) const CALLS: &str = "dats_calls_total";
pub(crate) const CALL_SECONDS: &str = "dats_call_duration_seconds";
pub(crate) const OUTBOX_ROWS: &str = "dats_outbox_rows";
pub(crate) const OUTBOX_OLDEST_SECONDS: &str = "dats_outbox_oldest_seconds";
pub(crate) const OUTBOX_SWEPT: &str = "dats_outbox_swept_total";
pub(crate) const OUTBOX_DEFERRED: &str = "dats_outbox_deferred_total";

/// Describes the metrics to the installed recorder. Call once, after installing it.
pub fn describe() {
    describe_counter!(SESSIONS, "Sessions opened with the broker, by role");
    describe_counter!(PUBLISHED, "Messages settled, by outcome: confirmed, nacked, unroutable, refused");
    describe_counter!(REPUBLISHED, "Messages published again because their session was lost unconfirmed");
    describe_gauge!(UNCONFIRMED, "Messages published and not confirmed yet");
    describe_histogram!(CONFIRM_SECONDS, Unit::Seconds, "From publishing a message to its confirm");
    describe_counter!(DELIVERED, "Messages taken from a queue");
    describe_counter!(REDELIVERED, "Messages taken that the broker may have delivered before");
    describe_counter!(RETRIED, "Messages put into a delay queue for another try");
    describe_counter!(DEAD_LETTERED, "Messages given up and moved to the queue's dead-letter queue");
    describe_histogram!(BATCH_SIZE, "Messages handled together");
    describe_histogram!(BATCH_SECONDS, Unit::Seconds, "From taking a batch to having settled it");
    describe_counter!(HANDLER_PANICS, "Panics of handlers, each counted as a failure of its batch");
    describe_counter!(CALLS, "Calls to another service, by queue and outcome");
    describe_histogram!(CALL_SECONDS, Unit::Seconds, "From calling another service to its answer");
    describe_gauge!(OUTBOX_ROWS, "Events in the outbox, counted up to 10001");
    describe_gauge!(OUTBOX_OLDEST_SECONDS, Unit::Seconds, "Age of the oldest event in the outbox");
    describe_counter!(OUTBOX_SWEPT, "Events published by the sweeper instead of straight from memory");
    describe_counter!(OUTBOX_DEFERRED, "Events left to the sweeper because memory was full");
}

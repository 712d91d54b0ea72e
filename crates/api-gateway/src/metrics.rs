//! Names and descriptions of the gateway's own metrics, in one place.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) const HTTP_REQUESTS: &str = "http_requests_total";
pub(crate) const HTTP_SECONDS: &str = "http_request_duration_seconds";
pub(crate) const SUBMITTED: &str = "dats_tasks_submitted_total";
pub(crate) const SUBMISSION_BATCH: &str = "dats_submission_batch_tasks";
pub(crate) const EVENTS: &str = "dats_task_events_total";
pub(crate) const DUPLICATES: &str = "dats_inbox_duplicates_total";
pub(crate) const PHASE_SECONDS: &str = "dats_task_phase_duration_seconds";
pub(crate) const QUEUE_WAIT_SECONDS: &str = "dats_task_queue_wait_seconds";
pub(crate) const TOKENS: &str = "dats_task_tokens_total";
pub(crate) const REJECTIONS: &str = "dats_task_rejections_total";
pub(crate) const RETRIES: &str = "dats_task_retries_total";
pub(crate) const ENDED: &str = "dats_tasks_ended_total";
pub(crate) const ATTEMPTS: &str = "dats_task_attempts";
pub(crate) const QUEUE_MESSAGES: &str = "dats_queue_messages";
pub(crate) const QUEUE_CONSUMERS: &str = "dats_queue_consumers";
pub(crate) const COUNTER_REPAIRS: &str = "dats_counter_repairs_total";
pub(crate) const PASS_FAILURES: &str = "dats_reconciler_failures_total";
pub(crate) const LIVE_SUBSCRIBERS: &str = "dats_live_subscribers";
pub(crate) const LIVE_TRACES: &str = "dats_live_traces";
pub(crate) const LIVE_DROPPED: &str = "dats_live_updates_dropped_total";

const OVERDUE_SECONDS: &str = "dats_tasks_overdue_seconds";
const WEBHOOK_ATTEMPTS: &str = "dats_webhook_attempts_total";
const WEBHOOK_SECONDS: &str = "dats_webhook_attempt_duration_seconds";
const WEBHOOK_GIVEN_UP: &str = "dats_webhook_deliveries_given_up_total";

/// Describes the metrics to the installed recorder. Call once, after installing it.
pub(crate) fn describe() {
    describe_counter!(HTTP_REQUESTS, "Requests answered, by method, route and status");
    describe_histogram!(
        HTTP_SECONDS,
        Unit::Seconds,
        "From a request to its answer, by method, route and status"
    );
    describe_counter!(SUBMITTED, "Tasks taken in, by priority");
    describe_histogram!(SUBMISSION_BATCH, "Tasks written together");
    describe_counter!(EVENTS, "What happened to tasks, by event and outcome: applied or ignored");
    describe_counter!(DUPLICATES, "Events that had been applied before, by event");
    describe_histogram!(PHASE_SECONDS, Unit::Seconds, "How long tasks stayed in a phase, by phase and tier");
    describe_histogram!(QUEUE_WAIT_SECONDS, Unit::Seconds, "How long tasks waited for a slot, by priority");
    describe_counter!(TOKENS, "Tokens that workers told of, by tier and direction: input or output");
    describe_counter!(REJECTIONS, "Outputs that were rejected by QA or a person, by tier");
    describe_counter!(RETRIES, "Attempts after the first, by what led to them");
    describe_counter!(ENDED, "Tasks that ended, by status");
    describe_histogram!(ATTEMPTS, "Attempts of tasks that ended, by status");
    describe_gauge!(LIVE_SUBSCRIBERS, "Subscribers of live updates on this replica");
    describe_gauge!(LIVE_TRACES, "Traces that they watch");
    describe_counter!(LIVE_DROPPED, "Live updates not published; watchers find them in the database");
    describe_gauge!(
        QUEUE_MESSAGES,
        "Messages that wait in a queue of the broker, by queue; dead letters among them"
    );
    describe_gauge!(QUEUE_CONSUMERS, "Consumers of a queue of the broker, by queue");
    describe_counter!(COUNTER_REPAIRS, "Counters of projects that were wrong and were repaired, by counter");
    describe_counter!(PASS_FAILURES, "Passes of reconcilers that failed, by reconciler");
    describe_gauge!(
        OVERDUE_SECONDS,
        Unit::Seconds,
        "By how much the timer of the latest task is overdue; every open phase has one, so this is 0 unless tasks are stuck"
    );
    describe_counter!(WEBHOOK_ATTEMPTS, "Attempts to deliver to a webhook, by outcome: taken or failed");
    describe_histogram!(WEBHOOK_SECONDS, Unit::Seconds, "From sending to a webhook to its answer");
    describe_counter!(
        WEBHOOK_GIVEN_UP,
        "Deliveries to webhooks that were tried in vain until their time was over"
    );
}

/// The timer that is due for the longest time is due for so long.
pub(crate) fn overdue_by(time: std::time::Duration) {
    metrics::gauge!(OVERDUE_SECONDS).set(time.as_secs_f64());
}

/// A receiver answered, or did not, after that time.
pub(crate) fn webhook_answered(taken: bool, time: std::time::Duration) {
    let outcome = if taken { "taken" } else { "failed" };
    metrics::counter!(WEBHOOK_ATTEMPTS, "outcome" => outcome).increment(1);
    metrics::histogram!(WEBHOOK_SECONDS).record(time);
}

/// A delivery is not tried any more.
pub(crate) fn webhook_given_up() {
    metrics::counter!(WEBHOOK_GIVEN_UP).increment(1);
}

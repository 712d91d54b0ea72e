//! From a task that names its work type to the request an agent gets. Pure, and the same for every delivery of the
//! same event: a redelivery carries the same ids, a new attempt new ones.

use std::time::Duration;

use chrono::{DateTime, Utc};
use messaging::{Outgoing, Properties};
use protocol::events::TaskCreated;
use protocol::vocabulary::{AgentType, Priority};
use protocol::{Event, EventId, TaskId, TraceId, WireMessage};
use service_runtime::telemetry;

use super::settings::Persistence;
use super::wire::{Hints, WorkRequest, request_body};

/// Priorities below it are not persistent under [`Persistence::HighPriorityOnly`].
const HIGH_PRIORITY: u8 = 4;
/// The longest expiration that the broker takes.
const LONGEST_EXPIRATION: Duration = Duration::from_millis(u32::MAX as u64);

/// The request for an attempt at a task.
pub(super) fn request(
    cause: &Event,
    task: &TaskCreated,
    work_type: &str,
    to_agent: AgentType,
) -> WorkRequest {
    let time_allowed = task.deadline_at.map(|deadline| (*deadline - *cause.time).num_seconds());
    WorkRequest {
        message_id: EventId::derived(cause.id, "agent.work_request"),
        to_agent,
        timestamp: cause.time,
        trace_id: cause.trace_id.unwrap_or(TraceId(task.request_id.as_uuid())),
        request_id: task.request_id,
        priority: Priority::to_agent_priority(task.priority),
        task_id: task.task_id,
        work_type: work_type.to_owned(),
        parameters: task.parameters.clone().unwrap_or_default(),
        hints: Hints {
            max_duration_seconds: time_allowed.map(|seconds| u64::try_from(seconds).unwrap_or(0).max(1)),
        },
    }
}

/// How long a request may wait for an agent. Past its deadline the attempt is given up and the work handed out anew
/// or not at all; an agent that took the old request then would do it twice, or against the answer already given.
pub(super) fn expiration(task: &TaskCreated, now: DateTime<Utc>) -> Option<Duration> {
    let left = (*task.deadline_at? - now).to_std().unwrap_or_default();
    Some(left.clamp(Duration::from_millis(1), LONGEST_EXPIRATION))
}

/// The message to an exchange and key. `about` is the task it is about.
///
/// # Errors
/// As [`request_body`].
pub(super) fn message(
    request: &WorkRequest,
    about: TaskId,
    persistence: Persistence,
    (exchange, routing_key): (&str, &str),
) -> serde_json::Result<Outgoing> {
    Ok(Outgoing {
        message: WireMessage {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            message_id: request.message_id.to_string(),
            event_type: String::new(),
            content_type: "application/json".to_owned(),
            correlation_id: Some(about.to_string()),
            traceparent: telemetry::current_traceparent(),
            timestamp: u64::try_from(request.timestamp.timestamp()).unwrap_or_default(),
            body: request_body(request)?,
        },
        properties: Properties {
            priority: Some(request.priority),
            transient: persistence == Persistence::HighPriorityOnly && request.priority < HIGH_PRIORITY,
            ..Properties::default()
        },
    })
}

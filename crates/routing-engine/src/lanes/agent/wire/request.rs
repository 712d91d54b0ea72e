//! What we send: work requests. Agents refuse an envelope with a null in it, a priority that is no integer of 1 to 5,
//! and every version but theirs, without a word; so nothing optional is written unless it is there.

use protocol::events::JsonObject;
use protocol::vocabulary::AgentType;
use protocol::{EventId, RequestId, TaskId, Timestamp, TraceId};
use serde::Serialize;
use serde_json::Value;

use super::VERSION;

/// A piece of work for an agent, with what its envelope says.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkRequest {
    /// Id of this message; a redelivery repeats it.
    pub message_id: EventId,
    /// The kind of agent it is for. Agents do not look at it.
    pub to_agent: AgentType,
    /// When the work was asked for.
    pub timestamp: Timestamp,
    /// The trace that the answer will repeat.
    pub trace_id: TraceId,
    /// The hand-over that the answer will repeat. Agents answer one they know from a cache.
    pub request_id: RequestId,
    /// 1 to 5, 5 first.
    pub priority: u8,
    /// The task.
    pub task_id: TaskId,
    /// What is to be done.
    pub work_type: String,
    /// With what. Written without nulls, see [`without_nulls`].
    pub parameters: JsonObject,
    /// What else may help.
    pub hints: Hints,
}

/// What an agent may make use of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hints {
    /// How long the work may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration_seconds: Option<u64>,
}

#[derive(Serialize)]
struct EnvelopeOut<'a> {
    protocol_version: &'static str,
    message_id: EventId,
    from_agent: AgentType,
    to_agent: AgentType,
    timestamp: Timestamp,
    trace_id: TraceId,
    request_id: RequestId,
    #[serde(rename = "type")]
    message_type: &'static str,
    priority: u8,
    payload: PayloadOut<'a>,
    x_custom_fields: JsonObject,
}

#[derive(Serialize)]
struct PayloadOut<'a> {
    task_id: TaskId,
    work_type: &'a str,
    parameters: JsonObject,
    hints: Hints,
}

/// The message as it goes on the wire.
///
/// # Errors
/// Never for what can be in a request: every part of it is valid JSON.
pub fn request_body(request: &WorkRequest) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&EnvelopeOut {
        protocol_version: VERSION,
        message_id: request.message_id,
        from_agent: AgentType::Orchestrator,
        to_agent: request.to_agent,
        timestamp: request.timestamp,
        trace_id: request.trace_id,
        request_id: request.request_id,
        message_type: "work_request",
        priority: request.priority,
        payload: PayloadOut {
            task_id: request.task_id,
            work_type: &request.work_type,
            parameters: without_nulls(&request.parameters),
            hints: request.hints,
        },
        x_custom_fields: JsonObject::new(),
    })
}

/// The object without its members that are null, at every depth: agents that refuse nulls take an absent member for
/// the same. An element of a list stays, since the others would change their places.
#[must_use]
pub fn without_nulls(object: &JsonObject) -> JsonObject {
    let members = object.iter().filter(|(_, value)| !value.is_null());
    members.map(|(name, value)| (name.clone(), without_null_members(value))).collect()
}

fn without_null_members(value: &Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(without_nulls(object)),
        Value::Array(items) => Value::Array(items.iter().map(without_null_members).collect()),
        plain => plain.clone(),
    }
}

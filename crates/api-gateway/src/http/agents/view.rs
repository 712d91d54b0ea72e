//! An agent as clients see it.

use protocol::vocabulary::{AgentStatus, AgentType};
use protocol::{AgentId, TaskId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::agents::Agent;
use crate::http::openapi::vocabulary::{AgentStatusWord, AgentTypeWord};

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "agent_id": "2d4b7c9e-0a13-4e58-9f26-b1c8d5e7f042",
    "agent_type": "infra",
    "status": "busy",
    "resources": { "cpu_percent": 12.5, "memory_percent": 40.0 },
    "current_task_id": "9b2f1c1e-6f0a-4d0e-8a57-2f6d0f4f1a12",
    "first_seen_at": "2024-07-27T07:30:00.218004Z",
    "last_heartbeat_at": "2024-07-27T10:02:30.220871Z"
}))]
pub(crate) struct AgentResponse {
    /// As it names itself. Some agents take a new id for every heartbeat, some send zeros.
    #[schema(value_type = Uuid)]
    agent_id: AgentId,
    /// Which work it takes.
    #[schema(value_type = AgentTypeWord)]
    agent_type: AgentType,
    /// What it said last; offline once it has been silent for too long.
    #[schema(value_type = AgentStatusWord)]
    status: AgentStatus,
    /// Its resources, as it sent them.
    #[schema(value_type = Object)]
    resources: Box<RawValue>,
    /// What it said last that it works on.
    #[schema(value_type = Option<Uuid>)]
    current_task_id: Option<TaskId>,
    /// When it was heard first.
    #[schema(value_type = DateTime)]
    first_seen_at: Timestamp,
    /// When it was heard last.
    #[schema(value_type = DateTime)]
    last_heartbeat_at: Timestamp,
}

impl From<Agent> for AgentResponse {
    fn from(agent: Agent) -> Self {
        Self {
            agent_id: agent.agent_id,
            agent_type: agent.agent_type,
            status: agent.status,
            resources: agent.resources,
            current_task_id: agent.current_task_id,
            first_seen_at: agent.first_seen_at.into(),
            last_heartbeat_at: agent.last_heartbeat_at.into(),
        }
    }
}

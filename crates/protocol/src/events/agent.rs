//! Agents' signs of life.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JsonObject, null_as_default};
use crate::ids::{AgentId, TaskId};
use crate::timestamp::Timestamp;
use crate::vocabulary::{AgentStatus, AgentType};

/// `agent.heartbeat`: an agent lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentHeartbeat {
    /// As the agent names itself; may be new every time, or all zeros.
    pub agent_id: AgentId,
    /// Which work it takes.
    pub agent_type: AgentType,
    /// What it says of itself.
    pub status: AgentStatus,
    /// Its resources, as sent.
    #[serde(default, deserialize_with = "null_as_default")]
    pub resources: JsonObject,
    /// What it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_task_id: Option<TaskId>,
    /// When it said so.
    pub timestamp: Timestamp,
}

/// `agent.offline`: an agent fell silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentOffline {
    /// The agent.
    pub agent_id: AgentId,
    /// Which work it took.
    pub agent_type: AgentType,
    /// What it worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_task_id: Option<TaskId>,
    /// When its silence was noticed.
    pub timestamp: Timestamp,
}

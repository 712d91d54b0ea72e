//! Payloads of the agents' messages. What has a default may be left out by agents; we write everything but hints.

use protocol::events::JsonObject;
use protocol::vocabulary::{AgentStatus, AgentType};
use protocol::{AgentId, RequestId, TaskId, TraceId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Work for an agent.
#[derive(Serialize, JsonSchema)]
pub(super) struct WorkRequest {
    /// The task; of a cancel request an id that means nothing.
    pub(super) task_id: TaskId,
    /// What is to be done; `cancel` asks to stop the task in `parameters.task_id`.
    pub(super) work_type: String,
    /// With what.
    pub(super) parameters: JsonObject,
    /// What else may help.
    pub(super) hints: Hints,
}

/// What an agent may make use of.
#[derive(Serialize, JsonSchema)]
pub(super) struct Hints {
    /// How long the work may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_duration_seconds: Option<u64>,
}

/// How work ended.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Done.
    Completed,
    /// Not done.
    Failed,
    /// Stopped by the agent.
    Cancelled,
}

/// The result of work.
#[derive(Serialize, JsonSchema)]
pub(super) struct WorkResult {
    /// The task, as the request named it.
    pub(super) task_id: TaskId,
    /// How it ended.
    pub(super) status: Verdict,
    /// 0 for success, by convention.
    #[serde(default)]
    pub(super) exit_code: Option<i64>,
    /// What was printed; up to 1 MiB is kept whole.
    #[serde(default)]
    pub(super) output: Option<String>,
    /// What went wrong.
    #[serde(default)]
    pub(super) error_message: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub(super) duration_ms: Option<u64>,
    /// The agent.
    #[serde(default)]
    pub(super) agent_id: Option<AgentId>,
    /// As the request named it.
    #[serde(default)]
    pub(super) trace_id: Option<TraceId>,
    /// As the request named it; without one the result counts for the current attempt.
    #[serde(default)]
    pub(super) request_id: Option<RequestId>,
    /// What it cost, in a form of the agent's own.
    #[serde(default)]
    pub(super) resources_used: Option<JsonObject>,
    /// What the agent found out, in a form of its own.
    #[serde(default)]
    pub(super) analysis_result: Option<Value>,
}

/// A sign of life.
#[derive(Serialize, JsonSchema)]
pub(super) struct Heartbeat {
    /// The agent. One that keeps its id can be missed when it dies.
    pub(super) agent_id: AgentId,
    /// Which kind of agent.
    pub(super) agent_type: AgentType,
    /// What it says of itself.
    pub(super) status: AgentStatus,
    /// What it works on.
    #[serde(default)]
    pub(super) current_task_id: Option<TaskId>,
    /// Its resources, shown as sent.
    #[serde(default)]
    pub(super) resources: JsonObject,
    /// When, in ISO 8601; without a zone it is UTC.
    #[serde(default)]
    pub(super) timestamp: Option<String>,
}

/// What an agent says about its work.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProgressState {
    /// It goes on.
    Running,
    /// A step is done.
    StepCompleted,
    /// It rests.
    Paused,
}

/// How far work is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Progress {
    /// The task.
    pub(super) task_id: TaskId,
    /// What the agent is doing.
    pub(super) status: ProgressState,
    /// 0 to 100.
    #[serde(default)]
    pub(super) progress_percent: Option<f64>,
    /// At which step.
    #[serde(default)]
    pub(super) step: Option<Step>,
    /// Who does it: an agent that tells this, and the same id in its heartbeats, is missed when it falls silent.
    #[serde(default)]
    pub(super) agent_id: Option<AgentId>,
}

/// A step of the work.
#[derive(Serialize, JsonSchema)]
pub(super) struct Step {
    /// Which.
    #[serde(default)]
    pub(super) number: Option<i64>,
    /// Its name.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// What it printed.
    #[serde(default)]
    pub(super) output: Option<String>,
}

/// A complaint.
#[derive(Serialize, JsonSchema)]
pub(super) struct AgentError {
    /// 1000 to 9999, by convention.
    pub(super) error_code: i64,
    /// In words.
    #[serde(default)]
    pub(super) error_message: Option<String>,
    /// `task_id` and `request_id`, where it is about work; anything else is for people.
    #[serde(default)]
    pub(super) context: JsonObject,
}

//! The task's way from the gateway through routing, and its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Failure, Feedback, Input, JsonObject, Routing, TaskOptions, null_as_default};
use crate::ids::{ProjectId, ProvenanceId, RequestId, TaskId, TraceId};
use crate::timestamp::Timestamp;
use crate::vocabulary::{
    AgentType, Domain, ExecutionMode, Phase, Priority, QaProfile, TaskStatus, Tier, WorkMode,
};

/// `task.created`: a task attempt wants to be routed. Sent once per attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskCreated {
    /// The task.
    pub task_id: TaskId,
    /// Its project.
    pub project_id: ProjectId,
    /// What is to be done, in words.
    pub description: String,
    /// 1 for the first pass.
    pub attempt: u32,
    /// How urgent.
    pub priority: Priority,
    /// What the submitter asked for.
    #[serde(default)]
    pub options: TaskOptions,
    /// Whether people take part.
    pub mode: ExecutionMode,
    /// Artifacts to work from.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// What earlier attempts taught.
    #[serde(default)]
    pub feedback: Vec<Feedback>,
    /// The task it was split from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<TaskId>,
    /// Present for work that goes to an agent by its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_type: Option<String>,
    /// That work's parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<JsonObject>,
    /// Rules for the worker, passed on as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constitution: Option<JsonObject>,
    /// Lowest tier this attempt may go to, after repeated rejections below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_tier: Option<Tier>,
    /// Tiers that were paused when the attempt was released: it must not go there.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub paused_tiers: Vec<Tier>,
    /// The attempt's hand-over id.
    pub request_id: RequestId,
    /// When the attempt must be over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<Timestamp>,
    /// When the task was submitted.
    pub created_at: Timestamp,
}

/// `task.ready.<tier>`: a task attempt waits for a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskReady {
    /// The task.
    pub task_id: TaskId,
    /// Its project.
    pub project_id: ProjectId,
    /// What kind of knowledge it needs.
    pub domain: Domain,
    /// Which models may do it.
    pub tier: Tier,
    /// What was found for it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub context: Context,
    /// What is to be done.
    pub description: String,
    /// Which pass.
    pub attempt: u32,
    /// What it does to the project.
    pub mode: WorkMode,
    /// How it will be judged.
    pub qa_profile: QaProfile,
    /// Models of the tier, best first.
    #[serde(default)]
    pub model_candidates: Vec<String>,
    /// Artifacts to work from.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// What earlier attempts taught.
    #[serde(default)]
    pub feedback: Vec<Feedback>,
    /// Rules for the worker.
    #[serde(default)]
    pub constitution: Option<JsonObject>,
    /// When the attempt must be over.
    #[serde(default)]
    pub deadline_at: Option<Timestamp>,
    /// How urgent.
    pub priority: Priority,
    /// Where its record will be.
    pub provenance_id: ProvenanceId,
    /// Why it went here.
    pub routing: Routing,
}

/// One part of a split task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subtask {
    /// Its name within the plan.
    pub id: String,
    /// What is to be done.
    pub description: String,
    /// Names of the parts it builds on.
    #[serde(default, deserialize_with = "null_as_default")]
    pub dependencies: Vec<String>,
    /// Pins its domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// Pins its tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Whether it must not be split further.
    #[serde(default = "yes")]
    pub is_atomic: bool,
}

fn yes() -> bool {
    true
}

/// `task.decomposed`: a plan of subtasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskDecomposed {
    /// The task that was split.
    pub task_id: TaskId,
    /// In which pass.
    pub attempt: u32,
    /// The plan.
    pub subtasks: Vec<Subtask>,
    /// Why it was split, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
}

/// `task.routing.failed`: no way was found to run a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskRoutingFailed {
    /// The task.
    pub task_id: TaskId,
    /// In which pass.
    pub attempt: u32,
    /// Why.
    pub error: Failure,
    /// The tier that it would have gone to, were that not paused (`error.code` is then `TIER_PAUSED`). The task waits
    /// until the tier is resumed; no attempt is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_tier: Option<Tier>,
}

/// `task.dispatched`: a task attempt was put into an agent queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskDispatched {
    /// The task.
    pub task_id: TaskId,
    /// In which pass.
    pub attempt: u32,
    /// The hand-over id that the agent will repeat.
    pub request_id: RequestId,
    /// Which kind of agent it is for.
    pub agent_type: AgentType,
    /// The queue it waits in.
    pub queue: String,
}

/// `task.failed`: an attempt failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskFailed {
    /// The task.
    pub task_id: TaskId,
    /// In which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why.
    pub error: Failure,
    /// The worker that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// The agent that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The hand-over it answers, where an agent failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// An agent's exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What an agent printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// How long an agent took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What an agent found out about its work, in a form of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_result: Option<serde_json::Value>,
}

/// `task.cancelled`: whoever works on the task may stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskCancelled {
    /// The task.
    pub task_id: TaskId,
    /// Why; empty when nobody said.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reason: String,
    /// The attempt that was under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Present for work that went to an agent by its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_type: Option<String>,
}

/// `task.status.<status>`: where a task is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskStatusChanged {
    /// The task.
    pub task_id: TaskId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its tier, once routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Its domain, once routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its status now.
    pub status: TaskStatus,
    /// Its status before.
    pub previous_status: TaskStatus,
    /// Where inside the status.
    pub phase: Phase,
    /// Which pass.
    pub attempt: u32,
    /// The hand-over of this attempt, told of work by type while it is released to routing or an agent: an agent's
    /// result names only that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Grows by one with every change of the task.
    pub sequence: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// When.
    pub at: Timestamp,
}

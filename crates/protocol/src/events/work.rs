//! What workers, agents and QA tell.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::parts::named;
use super::{Input, JsonObject, Output, null_as_default};
use crate::ids::{ArtifactId, ProjectId, RequestId, TaskId};
use crate::timestamp::Timestamp;
use crate::vocabulary::{Domain, Tier};

/// `task.started`: a worker or agent began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskStarted {
    /// The task.
    pub task_id: TaskId,
    /// Which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// Or the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The hand-over that an agent repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `task.progress`: how far the work is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskProgress {
    /// The task.
    pub task_id: TaskId,
    /// Which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// Or the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The hand-over that an agent repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `task.output.created`: something to be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskOutputCreated {
    /// The task.
    pub task_id: TaskId,
    /// The main artifact.
    pub artifact_id: ArtifactId,
    /// Which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The project, as `task.ready` gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// The tier, as `task.ready` gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The domain, as `task.ready` gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// What was made.
    #[serde(default, deserialize_with = "null_as_default")]
    pub output: Output,
    /// What it was made from.
    #[serde(default, deserialize_with = "read_inputs_consumed")]
    pub inputs_consumed: Vec<Input>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// With which model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_used: Option<String>,
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_input: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_output: Option<u64>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_time_ms: Option<u64>,
    /// The worker's own confidence, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// When the work began.
    #[serde(default, deserialize_with = "read_started_at", skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
}

fn read_inputs_consumed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Input>, D::Error> {
    named("inputs_consumed", null_as_default(deserializer))
}

fn read_started_at<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    named("started_at", Option::deserialize(deserializer))
}

/// `task.completed`: an agent finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskCompleted {
    /// The task.
    pub task_id: TaskId,
    /// Its project, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// Which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The hand-over it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// 0 for success, by convention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What the agent printed.
    #[serde(default, deserialize_with = "null_as_default")]
    pub output: String,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What it cost, as the agent tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_used: Option<JsonObject>,
    /// What the agent found out about its work, in a form of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_result: Option<serde_json::Value>,
}

/// `task.validated`: QA accepted an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskValidated {
    /// The task.
    pub task_id: TaskId,
    /// The artifact that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_id: Option<ArtifactId>,
    /// 0 to 1, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// `task.rejected`: QA rejected an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskRejected {
    /// The task.
    pub task_id: TaskId,
    /// The artifact that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_id: Option<ArtifactId>,
    /// What is wrong: texts or objects.
    #[serde(default, deserialize_with = "null_as_default")]
    pub issues: Vec<serde_json::Value>,
    /// In one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether another attempt may go better; yes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// Which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_output_is_named() {
        let task = "0197a000-0000-7000-8000-000000000001";
        let refuse = |member: &str| {
            let data = format!(r#"{{"task_id":"{task}","artifact_id":"a",{member}}}"#);
            serde_json::from_str::<TaskOutputCreated>(&data).unwrap_err().to_string()
        };
        let error = refuse(r#""inputs_consumed":["a",{"artifact_id":7}]"#);
        assert!(error.starts_with("inputs_consumed: artifact_id: invalid type: integer `7`"), "{error}");
        let error = refuse(r#""started_at":"-4000-01-01T00:00:00""#);
        assert!(error.starts_with(r#"started_at: "-4000-01-01T00:00:00" is not a time"#), "{error}");
        assert_eq!(error.matches(" at line 1").count(), 1, "{error}");
    }
}

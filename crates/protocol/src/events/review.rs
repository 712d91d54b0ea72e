//! Questions to people, and their answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::null_as_default;
use crate::ids::{ArtifactId, TaskId};
use crate::vocabulary::ReviewDecision;

/// `review.requested`: a person is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewRequested {
    /// The review's id, as QA names it.
    pub review_id: String,
    /// The task it is about.
    pub task_id: TaskId,
    /// The artifact it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_id: Option<ArtifactId>,
    /// Why a person is needed.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reason: String,
    /// How urgent, in QA's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Which pass; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What the person should look at.
    #[serde(default, deserialize_with = "null_as_default")]
    pub specific_questions: Vec<String>,
}

/// `review.completed`: a person answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewCompleted {
    /// The review.
    pub review_id: String,
    /// The task it is about.
    pub task_id: TaskId,
    /// Which pass was looked at; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The answer.
    pub decision: ReviewDecision,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer_id: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
    /// Changes that must be made.
    #[serde(default, deserialize_with = "null_as_default")]
    pub required_changes: Vec<String>,
}

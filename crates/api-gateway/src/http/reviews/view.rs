//! A review as clients see it, in a list and alone.

use protocol::vocabulary::{Priority, ReviewDecision};
use protocol::{ProjectId, TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::vocabulary::{PriorityWord, ReviewStatusWord};
use crate::reviews::{Review, ReviewId, ReviewStatus};
use crate::tasks::task::Task;

/// The kind of every review so far: the judgement of an output.
pub(super) const KIND: &str = "qa";
/// Most characters of what is said about an output.
const MOST_SUMMARY_CHARS: usize = 500;

/// A review in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewSummaryView {
    /// Its id, as QA chose it.
    #[schema(value_type = String)]
    review_id: ReviewId,
    /// The task it is about.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// The task's project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Which attempt of the task.
    attempt: u32,
    /// Its kind.
    #[serde(rename = "type")]
    #[schema(example = "qa")]
    kind: &'static str,
    /// Whether it was answered, and how.
    #[schema(value_type = ReviewStatusWord)]
    status: ReviewStatus,
    /// How urgent.
    #[schema(value_type = PriorityWord)]
    priority: Priority,
    /// Why a person is asked.
    summary: String,
    /// When it was asked.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
}

impl From<&Review> for ReviewSummaryView {
    fn from(review: &Review) -> Self {
        Self {
            review_id: review.id.clone(),
            task_id: review.task_id,
            project_id: review.project_id.clone(),
            attempt: review.attempt,
            kind: KIND,
            status: review.status,
            priority: review.priority,
            summary: review.summary.clone(),
            created_at: review.created_at,
        }
    }
}

/// A review with what a person needs to answer it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "review_id": "qa-readme-de-1",
    "task_id": "0190f3a1-7c00-7e10-8a57-2f6d0f4f1a01",
    "project_id": "docs-site",
    "attempt": 1,
    "type": "qa",
    "status": "pending",
    "priority": "high",
    "summary": "The judges disagree about the tone",
    "created_at": "2024-07-27T09:59:56.120994Z",
    "context": {
        "task_description": "Translate the README into German",
        "output_summary": "README.de.md (document)",
        "specific_questions": ["Is the reader addressed the way we want?"]
    },
    "options": [
        { "id": "approve", "description": "The output is good", "implications": "The task is completed" },
        { "id": "reject", "description": "The output is not good",
            "implications": "The next attempt begins if one is left; otherwise the task fails" },
        { "id": "request-changes", "description": "The output is good once it is changed",
            "implications": "The next attempt begins with the guidance as feedback, \
                also beyond the usual number of attempts" }
    ]
}))]
pub(crate) struct ReviewResponse {
    #[serde(flatten)]
    review: ReviewSummaryView,
    /// What it is about.
    context: ReviewContextView,
    /// The answers it takes.
    options: Vec<ReviewOptionView>,
}

/// What a review is about.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewContextView {
    /// What was to be done.
    task_description: String,
    /// What came of it, in words.
    output_summary: String,
    /// What the person should look at.
    specific_questions: Vec<String>,
}

/// An answer that a review takes.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewOptionView {
    /// The last part of the path to post it to.
    #[schema(example = "approve")]
    id: &'static str,
    /// What it says.
    description: &'static str,
    /// What follows from it.
    implications: &'static str,
}

const OPTIONS: [(&str, &str, &str); 3] = [
    ("approve", "The output is good", "The task is completed"),
    ("reject", "The output is not good", "The next attempt begins if one is left; otherwise the task fails"),
    (
        "request-changes",
        "The output is good once it is changed",
        "The next attempt begins with the guidance as feedback, also beyond the usual number of attempts",
    ),
];

impl ReviewResponse {
    /// The view of a review and its task.
    pub(super) fn of(review: Review, task: &Task) -> Self {
        let option = |(id, description, implications)| ReviewOptionView { id, description, implications };
        Self {
            review: (&review).into(),
            context: ReviewContextView {
                task_description: task.submission.description.clone(),
                output_summary: output_summary(&review, task),
                specific_questions: review.questions,
            },
            options: OPTIONS.into_iter().map(option).collect(),
        }
    }
}

/// What the attempt that the review is about has produced, as far as the task still knows it.
fn output_summary(review: &Review, task: &Task) -> String {
    if task.attempt != review.attempt {
        return format!("attempt {} is over; the task is at attempt {}", review.attempt, task.attempt);
    }
    let artifacts = &task.work.artifacts;
    let place = |artifact: &protocol::events::Artifact| {
        let id = || artifact.artifact_id.to_string();
        format!("{} ({})", artifact.path.clone().unwrap_or_else(id), artifact.artifact_type)
    };
    let mut summary = match (&task.work.output, artifacts.len()) {
        (Some(output), _) => output.clone(),
        (None, 0) => "nothing is known of an output".to_owned(),
        (None, 1) => artifacts.iter().map(place).collect(),
        (None, several) => {
            format!("{several} artifacts: {}", artifacts.iter().map(place).collect::<Vec<_>>().join(", "))
        }
    };
    if summary.chars().count() > MOST_SUMMARY_CHARS {
        summary = summary.chars().take(MOST_SUMMARY_CHARS - 3).chain("...".chars()).collect();
    }
    summary
}

/// A review that is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "review_id": "qa-readme-de-1", "status": "approved", "message": "The task is completed."
}))]
pub(crate) struct ReviewAnsweredResponse {
    /// The review.
    #[schema(value_type = String)]
    review_id: ReviewId,
    /// The answer.
    #[schema(value_type = ReviewStatusWord)]
    status: ReviewStatus,
    /// What follows for the task.
    #[schema(example = "The task is completed.")]
    message: String,
}

impl ReviewAnsweredResponse {
    /// What is told about an answer and the task as it is after it.
    pub(super) fn of(review_id: ReviewId, decision: ReviewDecision, task: &Task) -> Self {
        let message = if task.status.is_terminal() {
            format!("The task is {}.", task.status)
        } else {
            format!("Attempt {} of the task follows.", task.attempt)
        };
        Self { review_id, status: decision.into(), message }
    }
}

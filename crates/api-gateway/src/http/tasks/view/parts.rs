//! The parts of a task that are objects of their own in its JSON.

use protocol::events::{Analyzer, Artifact, Routing};
use protocol::vocabulary::Phase;
use protocol::{ArtifactId, TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::API_PREFIX;
use crate::tasks::progress::Progress;
use crate::tasks::task::{AttemptError, PendingReview, Task, Waiting, WaitingReason};

/// Where to look next.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Links {
    /// The task in full.
    #[serde(rename = "self")]
    pub(crate) to_self: String,
    /// Its short status.
    pub(crate) status: String,
    /// Its changes as they happen.
    pub(crate) stream: String,
}

impl Links {
    /// The links of a task.
    pub(crate) fn of(task_id: TaskId) -> Self {
        let to_self = format!("{API_PREFIX}/tasks/{task_id}");
        Self { status: format!("{to_self}/status"), stream: format!("{to_self}/stream"), to_self }
    }
}

/// Why a task does not go on at the moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingView {
    /// The kind of wait.
    #[schema(value_type = WaitingReasonWord)]
    reason: WaitingReason,
    /// In words.
    detail: Option<String>,
}

/// The kinds of wait.
#[derive(ToSchema)]
#[schema(as = WaitingReason, rename_all = "snake_case")]
#[expect(dead_code, reason = "names a schema and has no values")]
enum WaitingReasonWord {
    /// Its project runs as many tasks as it may.
    Slot,
    /// A task it depends on is not completed.
    Dependency,
    /// A person is asked.
    Review,
    /// One of its inputs was found wrong.
    TaintedInput,
    /// Its project or tier is paused.
    Pause,
    /// Its time has not come.
    Backoff,
}

impl From<Waiting> for WaitingView {
    fn from(waiting: Waiting) -> Self {
        Self { reason: waiting.reason, detail: waiting.detail }
    }
}

/// How far a task is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressView {
    /// 0 to 100.
    percent: f64,
    /// In the worker's words.
    message: Option<String>,
    /// Subtasks in its plan.
    total_subtasks: u32,
    /// Of these completed.
    completed_subtasks: u32,
    /// Of these failed for good or cancelled.
    failed_subtasks: u32,
    /// Questions to people that wait for an answer.
    pending_review: u32,
}

impl ProgressView {
    /// A task's progress.
    pub(crate) fn of(task: &Task) -> Self {
        Progress::of(task).into()
    }
}

impl From<Progress> for ProgressView {
    fn from(progress: Progress) -> Self {
        Self {
            percent: progress.percent,
            message: progress.message,
            total_subtasks: progress.total_subtasks,
            completed_subtasks: progress.completed_subtasks,
            failed_subtasks: progress.failed_subtasks,
            pending_review: progress.pending_review,
        }
    }
}

/// A produced artifact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ArtifactView {
    /// Its id.
    #[schema(value_type = String)]
    id: ArtifactId,
    /// `code`, `document`, ...
    #[serde(rename = "type")]
    artifact_type: String,
    /// Where it lies, in the worker's terms.
    path: Option<String>,
    /// SHA-256 of its content.
    checksum: Option<String>,
    /// Its size.
    size_bytes: Option<u64>,
}

impl From<Artifact> for ArtifactView {
    fn from(artifact: Artifact) -> Self {
        Self {
            id: artifact.artifact_id,
            artifact_type: artifact.artifact_type,
            path: artifact.path,
            checksum: artifact.checksum,
            size_bytes: artifact.size_bytes,
        }
    }
}

/// A produced artifact in the earlier form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutputView {
    /// Its id.
    #[schema(value_type = String)]
    artifact_id: ArtifactId,
    /// `code`, `document`, ...
    #[serde(rename = "type")]
    artifact_type: String,
    /// Where it lies, in the worker's terms.
    location: Option<String>,
}

impl From<&Artifact> for OutputView {
    fn from(artifact: &Artifact) -> Self {
        Self {
            artifact_id: artifact.artifact_id.clone(),
            artifact_type: artifact.artifact_type.clone(),
            location: artifact.path.clone(),
        }
    }
}

/// What is being done right now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityView {
    /// In words.
    description: String,
    /// By which worker or agent.
    worker: Option<String>,
    /// Since when.
    #[schema(value_type = Option<DateTime>)]
    started_at: Option<Timestamp>,
}

impl ActivityView {
    /// The activity of a task that somebody works on; a task that waits has none.
    pub(crate) fn of(task: &Task) -> Option<Self> {
        let (default_description, started_at) = match task.phase {
            Phase::Executing => ("working", task.work.started_at),
            Phase::Validating => ("waiting for the verdict of QA", Some(task.phase_since)),
            Phase::Submitted
            | Phase::Blocked
            | Phase::Routing
            | Phase::Ready
            | Phase::InReview
            | Phase::Decomposed
            | Phase::Done => return None,
        };
        Some(Self {
            description: task.work.message.clone().unwrap_or_else(|| default_description.to_owned()),
            worker: task.work.worker_id.clone(),
            started_at: started_at.map(Into::into),
        })
    }
}

/// What a person must decide.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HumanActionView {
    /// The review.
    review_id: String,
    /// Its kind.
    #[serde(rename = "type")]
    #[schema(example = "qa")]
    action_type: &'static str,
    /// Why a person is asked.
    summary: String,
}

impl From<PendingReview> for HumanActionView {
    fn from(review: PendingReview) -> Self {
        Self { review_id: review.review_id, action_type: "qa", summary: review.reason }
    }
}

/// Why a task went where it went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoutingView {
    /// Who decided.
    #[schema(value_type = AnalyzerWord)]
    analyzer: Analyzer,
    /// Every step of the decision, in words.
    reasons: Vec<String>,
    /// 0 to 1, where known.
    confidence: Option<f64>,
    /// Tokens the work is expected to take.
    estimated_tokens: Option<u64>,
    /// Whether something had to be replaced by its fallback.
    fallback: bool,
}

/// Who may decide.
#[derive(ToSchema)]
#[schema(as = Analyzer, rename_all = "kebab-case")]
#[expect(dead_code, reason = "names a schema and has no values")]
enum AnalyzerWord {
    /// The configured Agent Service.
    AgentService,
    /// The built-in rules.
    Rules,
    /// Nobody: the task pins its routing.
    Pinned,
}

impl From<Routing> for RoutingView {
    fn from(routing: Routing) -> Self {
        Self {
            analyzer: routing.analyzer,
            reasons: routing.reasons,
            confidence: routing.confidence,
            estimated_tokens: routing.estimated_tokens,
            fallback: routing.fallback,
        }
    }
}

/// Why an attempt, or the whole task, failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorView {
    /// Short name that programs can act on.
    code: String,
    /// For people.
    message: String,
    /// Which attempt.
    attempt: u32,
    /// Whether another attempt might have gone better.
    retryable: bool,
}

impl From<AttemptError> for ErrorView {
    fn from(error: AttemptError) -> Self {
        Self { code: error.code, message: error.message, attempt: error.attempt, retryable: error.retryable }
    }
}

//! A task as clients see it (contract 1.2): which fields there are, and from where in the task each one comes.

mod parts;

pub(crate) use parts::{ErrorView, Links, ProgressView, WaitingView};

use protocol::events::JsonObject;
use protocol::vocabulary::{Domain, ExecutionMode, Phase, Priority, QaProfile, TaskStatus, Tier, WorkMode};
use protocol::{ProjectId, ProvenanceId, TaskId, Timestamp, TraceId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use self::parts::{ActivityView, ArtifactView, HumanActionView, OutputView, RoutingView};
use crate::http::openapi::vocabulary::{ExecutionModeWord, PhaseWord, PriorityWord, TaskStatusWord};
use crate::tasks::task::Task;

/// A task in full. What is not known yet is `null`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = example)]
pub(crate) struct TaskResponse {
    /// Its id.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// Its project.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// What is to be done.
    description: String,
    /// Where it is.
    #[schema(value_type = TaskStatusWord)]
    status: TaskStatus,
    /// Where inside the status.
    #[schema(value_type = PhaseWord)]
    phase: Phase,
    /// What it does to its project, as the analysis says: `new_project`, `modify`, `fix_bug`, ...
    #[schema(value_type = Option<String>)]
    mode: Option<WorkMode>,
    /// Whether people take part.
    #[schema(value_type = ExecutionModeWord)]
    execution_mode: ExecutionMode,
    /// What knowledge it needs.
    #[schema(value_type = Option<String>)]
    domain: Option<Domain>,
    /// Which models do it.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// How urgent.
    #[schema(value_type = PriorityWord)]
    priority: Priority,
    /// Which pass, from 1.
    attempt: u32,
    /// Passes allowed.
    max_attempts: u32,
    /// When it was submitted.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// When work first began.
    #[schema(value_type = Option<DateTime>)]
    started_at: Option<Timestamp>,
    /// When it ended, however it ended.
    #[schema(value_type = Option<DateTime>)]
    completed_at: Option<Timestamp>,
    /// When it last changed.
    #[schema(value_type = DateTime)]
    updated_at: Timestamp,
    /// When the current attempt must be over.
    #[schema(value_type = Option<DateTime>)]
    deadline_at: Option<Timestamp>,
    /// When it will probably be done, where that can be told.
    #[schema(value_type = Option<DateTime>)]
    estimated_completion: Option<Timestamp>,
    /// How long the work took, in milliseconds.
    execution_time_ms: Option<u64>,
    /// Why it does not go on at the moment.
    waiting_for: Option<WaitingView>,
    /// How far it is.
    progress: ProgressView,
    /// What it produced.
    artifacts: Vec<ArtifactView>,
    /// The same artifacts in an earlier form.
    outputs: Vec<OutputView>,
    /// What is being done right now.
    current_activity: Option<ActivityView>,
    /// What people must decide.
    human_actions_needed: Vec<HumanActionView>,
    /// Where the current attempt's record is, or will be.
    #[schema(value_type = Uuid)]
    provenance_id: ProvenanceId,
    /// Why it went where it went.
    routing: Option<RoutingView>,
    /// How its output is judged.
    #[schema(value_type = Option<String>)]
    qa_profile: Option<QaProfile>,
    /// Why it failed.
    error: Option<ErrorView>,
    /// How each attempt failed.
    errors: Vec<ErrorView>,
    /// Tokens read by the current attempt.
    tokens_input: Option<u64>,
    /// Tokens written by the current attempt.
    tokens_output: Option<u64>,
    /// With which model.
    model_used: Option<String>,
    /// By which worker or agent.
    worker_id: Option<String>,
    /// The task it was split from.
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<TaskId>,
    /// Tasks that must be completed first.
    #[schema(value_type = Vec<Uuid>)]
    depends_on: Vec<TaskId>,
    /// Its trace.
    #[schema(value_type = Uuid)]
    trace_id: TraceId,
    /// The submitter's own data.
    #[schema(value_type = Object)]
    metadata: JsonObject,
    /// Where to look next.
    links: Links,
}

impl TaskResponse {
    /// The view of a task; when it will be done is not part of its state.
    pub(crate) fn of(task: Task, estimated_completion: Option<Timestamp>) -> Self {
        let progress = ProgressView::of(&task);
        let current_activity = ActivityView::of(&task);
        let execution_time_ms = execution_time_ms(&task);
        let submission = task.submission;
        let work = task.work;
        Self {
            task_id: submission.id,
            project_id: submission.project_id,
            description: submission.description,
            status: task.status,
            phase: task.phase,
            mode: task.work_mode,
            execution_mode: submission.execution_mode,
            domain: task.domain,
            tier: task.tier,
            priority: submission.priority,
            attempt: task.attempt,
            max_attempts: task.max_attempts,
            created_at: submission.created_at.into(),
            started_at: task.started_at.map(Into::into),
            completed_at: task.completed_at.map(Into::into),
            updated_at: task.updated_at.into(),
            deadline_at: task.deadline_at.map(Into::into),
            estimated_completion,
            execution_time_ms,
            waiting_for: task.waiting.map(Into::into),
            progress,
            outputs: work.artifacts.iter().map(Into::into).collect(),
            artifacts: work.artifacts.into_iter().map(Into::into).collect(),
            current_activity,
            human_actions_needed: task.review.map(Into::into).into_iter().collect(),
            provenance_id: ProvenanceId::of_attempt(submission.id, task.attempt),
            routing: task.routing.map(Into::into),
            qa_profile: task.qa_profile,
            error: task.error.map(Into::into),
            errors: task.errors.into_iter().map(Into::into).collect(),
            tokens_input: work.tokens_input,
            tokens_output: work.tokens_output,
            model_used: work.model_used,
            worker_id: work.worker_id,
            parent_id: submission.parent_id,
            depends_on: submission.depends_on,
            trace_id: submission.trace_id,
            metadata: submission.metadata,
            links: Links::of(submission.id),
        }
    }
}

/// A completed task as the document shows it; it has more members than `json!` can take.
fn example() -> Value {
    serde_json::from_str(include_str!("view/example.json")).unwrap_or_default()
}

/// As the worker measured it, else from first start to end.
fn execution_time_ms(task: &Task) -> Option<u64> {
    let from_start_to_end = || {
        let elapsed = task.completed_at? - task.started_at?;
        u64::try_from(elapsed.num_milliseconds()).ok()
    };
    task.work.execution_time_ms.or_else(from_start_to_end)
}

#[cfg(test)]
mod tests;

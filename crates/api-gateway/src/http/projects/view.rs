//! A project as clients see it.

use protocol::events::JsonObject;
use protocol::vocabulary::{ExecutionMode, QaProfile};
use protocol::{ProjectId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::vocabulary::{ExecutionModeWord, QaProfileWord};
use crate::projects::project::{Project, ProjectConfig};

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project, example = json!({
    "id": "docs-site",
    "name": "Docs Site",
    "description": "Everything that users read",
    "config": { "qa_profile": "documentation", "default_mode": "autonomous", "max_concurrent": 4,
        "escalate_tier": false },
    "repo_url": "https://git.example.org/docs.git",
    "constitution": { "principles": ["Never touch generated files"], "language": "Rust" },
    "created_at": "2024-07-26T14:05:41.300125Z",
    "updated_at": "2024-07-26T14:20:08.911702Z",
    "task_count": 2
}))]
pub(crate) struct ProjectView {
    /// Its id: the name in lower case, with `-` for blanks.
    #[schema(value_type = String, example = "docs-site")]
    pub(super) id: ProjectId,
    /// What people call it.
    #[schema(example = "Docs Site")]
    name: String,
    /// What it is for; may be empty.
    description: String,
    /// What its tasks begin with.
    config: ProjectConfigView,
    /// Where its code lives.
    repo_url: Option<String>,
    /// Rules for the workers of tasks that bring none of their own; lists leave them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    constitution: Option<JsonObject>,
    /// When it was made.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// When its owner last changed it.
    #[schema(value_type = DateTime)]
    updated_at: Timestamp,
    /// Its tasks, however they stand.
    task_count: u64,
}

/// What a project's tasks begin with; `null` where the project does not say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProjectConfig)]
struct ProjectConfigView {
    /// How output is judged when a task does not say.
    #[schema(value_type = Option<QaProfileWord>)]
    qa_profile: Option<QaProfile>,
    /// Whether people take part when a task does not say.
    #[schema(value_type = Option<ExecutionModeWord>)]
    default_mode: Option<ExecutionMode>,
    /// Tasks that may run at the same time; the service's setting when `null`.
    max_concurrent: Option<u32>,
    /// Whether repeated rejections may move a task to a higher tier when it does not say.
    escalate_tier: Option<bool>,
}

impl ProjectView {
    /// The same without what is too long for a list.
    pub(super) fn in_list(self) -> Self {
        Self { constitution: None, ..self }
    }
}

impl From<Project> for ProjectView {
    fn from(project: Project) -> Self {
        Self {
            id: project.id,
            name: project.name,
            description: project.description,
            config: project.config.into(),
            repo_url: project.repo_url,
            constitution: project.constitution,
            created_at: project.created_at,
            updated_at: project.updated_at,
            task_count: project.task_count,
        }
    }
}

impl From<ProjectConfig> for ProjectConfigView {
    fn from(config: ProjectConfig) -> Self {
        Self {
            qa_profile: config.qa_profile,
            default_mode: config.default_mode,
            max_concurrent: config.max_concurrent,
            escalate_tier: config.escalate_tier,
        }
    }
}

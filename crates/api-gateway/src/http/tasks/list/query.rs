//! The query of a task list: filters, and which page.

use protocol::vocabulary::{Domain, Phase, TaskStatus, Tier};
use protocol::{ProjectId, TaskId, Timestamp};
use utoipa::IntoParams;

use crate::access::Caller;
use crate::http::cursor::TaskCursor;
use crate::http::openapi::vocabulary::{DomainWord, PhaseWord, TaskStatusWord, TierWord};
use crate::http::page::{PageQuery, PageStart};
use crate::http::query::{Parameters, ReadQuery};
use crate::tasks::queries::{self, PageRequest, TaskFilter};

/// Most characters of a tag.
const MOST_TAG_CHARS: usize = 255;

/// Which tasks, and which page of them.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTasksQuery {
    /// Tasks of this project.
    #[param(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9._:-]+$")]
    project_id: Option<ProjectId>,
    /// Tasks with one of these statuses; may be repeated or be a list with commas.
    #[param(value_type = Option<Vec<TaskStatusWord>>)]
    status: Vec<TaskStatus>,
    /// Tasks in one of these phases; may be repeated or be a list with commas.
    #[param(value_type = Option<Vec<PhaseWord>>)]
    phase: Vec<Phase>,
    /// Tasks that went to this tier.
    #[param(value_type = Option<TierWord>)]
    tier: Option<Tier>,
    /// Tasks of this domain.
    #[param(value_type = Option<DomainWord>)]
    domain: Option<Domain>,
    /// Tasks with this word in `metadata.tags`.
    #[param(min_length = 1, max_length = 255)]
    tag: Option<String>,
    /// Tasks submitted after this time.
    #[param(value_type = Option<DateTime>)]
    created_after: Option<Timestamp>,
    /// Tasks submitted before this time.
    #[param(value_type = Option<DateTime>)]
    created_before: Option<Timestamp>,
    /// Subtasks of this task.
    #[param(value_type = Option<Uuid>)]
    parent_id: Option<TaskId>,
    /// Which page.
    #[param(ignore)]
    pub(super) page: PageQuery<TaskCursor>,
}

impl ReadQuery for ListTasksQuery {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            project_id: parameters.parsed("project_id"),
            status: parameters.repeated("status"),
            phase: parameters.repeated("phase"),
            tier: parameters.tier("tier"),
            domain: parameters.word("domain", Domain::WORDS),
            tag: parameters.text("tag", 1..=MOST_TAG_CHARS),
            created_after: parameters.time("created_after"),
            created_before: parameters.time("created_before"),
            parent_id: parameters.uuid("parent_id"),
            page: PageQuery::read(parameters),
        })
    }
}

impl ListTasksQuery {
    /// What `caller` may see of it.
    pub(super) fn into_filter(self, caller: &Caller) -> (TaskFilter, PageRequest) {
        let query = self;
        let start = match query.page.start {
            PageStart::Offset(offset) => queries::PageStart::Offset(offset),
            PageStart::Cursor(cursor) => queries::PageStart::After(cursor.0),
        };
        let filter = TaskFilter {
            project_id: query.project_id,
            within: caller.projects().map(<[ProjectId]>::to_vec),
            statuses: query.status,
            phases: query.phase,
            tier: query.tier,
            domain: query.domain,
            tag: query.tag,
            created_after: query.created_after,
            created_before: query.created_before,
            parent_id: query.parent_id,
        };
        (filter, PageRequest { limit: query.page.limit, start })
    }
}

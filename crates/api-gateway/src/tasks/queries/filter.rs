//! Which tasks a list shows.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb};
use protocol::vocabulary::{Domain, Phase, TaskStatus, Tier};
use protocol::{ProjectId, TaskId, Timestamp};

use crate::schema::tasks;
use crate::tasks::lifecycle::open_status;

/// What a task must be like to be listed; an empty filter takes all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskFilter {
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// Of one of these projects; of any when absent.
    pub within: Option<Vec<ProjectId>>,
    /// In one of these statuses; in any when empty.
    pub statuses: Vec<TaskStatus>,
    /// In one of these phases; in any when empty.
    pub phases: Vec<Phase>,
    /// At this tier.
    pub tier: Option<Tier>,
    /// Of this domain.
    pub domain: Option<Domain>,
    /// With this tag.
    pub tag: Option<String>,
    /// Submitted later than this.
    pub created_after: Option<Timestamp>,
    /// Submitted earlier than this.
    pub created_before: Option<Timestamp>,
    /// Split from this task.
    pub parent_id: Option<TaskId>,
}

pub(super) type TaskQuery<'a> = tasks::BoxedQuery<'a, Pg>;

impl TaskFilter {
    /// The rows it takes.
    pub(super) fn query(&self) -> TaskQuery<'_> {
        let mut query = tasks::table.into_boxed();
        if let Some(project) = &self.project_id {
            query = query.filter(tasks::project_id.eq(project.as_str()));
        }
        if let Some(projects) = &self.within {
            query = query.filter(tasks::project_id.eq_any(projects.iter().map(ProjectId::as_str)));
        }
        if !self.statuses.is_empty() {
            query = query.filter(tasks::status.eq_any(self.statuses.iter().map(|status| status.as_str())));
        }
        if !self.phases.is_empty() {
            query = query.filter(tasks::phase.eq_any(self.phases.iter().map(|phase| phase.as_str())));
            if self.statuses.is_empty() {
                // They follow from the phases, and have an index: without it, a phase that few tasks are in is looked
                // for among all of them.
                let goes_with = |status: &TaskStatus, phase: &Phase| {
                    open_status(*phase).map_or(status.is_terminal(), |open| open == *status)
                };
                let statuses = TaskStatus::ALL.iter();
                let statuses =
                    statuses.filter(|status| self.phases.iter().any(|phase| goes_with(status, phase)));
                query = query.filter(tasks::status.eq_any(statuses.map(|status| status.as_str())));
            }
        }
        if let Some(tier) = &self.tier {
            query = query.filter(tasks::tier.eq(tier.as_str()));
        }
        if let Some(domain) = &self.domain {
            query = query.filter(tasks::domain.eq(domain.as_str()));
        }
        if let Some(tag) = &self.tag {
            // The condition of the index on tags has to be repeated for it to be used.
            let tagged = sql::<Bool>("metadata ? 'tags' AND metadata -> 'tags' @> ")
                .bind::<Jsonb, _>(serde_json::json!([tag]));
            query = query.filter(tagged);
        }
        if let Some(time) = self.created_after {
            query = query.filter(tasks::created_at.gt(time.to_utc()));
        }
        if let Some(time) = self.created_before {
            query = query.filter(tasks::created_at.lt(time.to_utc()));
        }
        if let Some(parent) = self.parent_id {
            query = query.filter(tasks::parent_id.eq(parent.as_uuid()));
        }
        query
    }
}

//! Which tasks a list shows, and the statement that finds them.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb};
use protocol::vocabulary::{Domain, Phase, TaskStatus, Tier};
use protocol::{ProjectId, TaskId, Timestamp};

use super::keys::{KeyRange, Keys};
use crate::schema::{task_tags, tasks};
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

impl TaskFilter {
    /// The keys of the tasks it takes, newest first.
    pub(super) fn keys(&self, range: KeyRange) -> Keys<'_> {
        match &self.tag {
            Some(tag) if self.looks_at_what_tags_tell() => self.keys_by_tag(tag, range),
            _ => self.keys_by_task(range),
        }
    }

    /// Whether the rows of a tag say all that is asked for.
    fn looks_at_what_tags_tell(&self) -> bool {
        self.statuses.is_empty()
            && self.phases.is_empty()
            && self.tier.is_none()
            && self.domain.is_none()
            && self.parent_id.is_none()
    }

    fn keys_by_tag(&self, tag: &str, range: KeyRange) -> Keys<'_> {
        let mut query = task_tags::table.filter(task_tags::tag.eq(tag.to_owned())).into_boxed();
        if let Some(project) = &self.project_id {
            query = query.filter(task_tags::project_id.eq(project.as_str()));
        }
        if let Some(projects) = &self.within {
            query = query.filter(task_tags::project_id.eq_any(projects.iter().map(ProjectId::as_str)));
        }
        if let Some(time) = self.created_after {
            query = query.filter(task_tags::created_at.gt(time.to_utc()));
        }
        if let Some(time) = self.created_before {
            query = query.filter(task_tags::created_at.lt(time.to_utc()));
        }
        if let Some(after) = range.after() {
            query = query.filter(after);
        }
        let ordered = query.order((task_tags::created_at.desc(), task_tags::task_id.desc()));
        Keys::new(ordered.limit(range.limit).offset(range.offset()).select(task_tags::task_id))
    }

    fn keys_by_task(&self, range: KeyRange) -> Keys<'_> {
        let mut query = tasks::table.into_boxed();
        if let Some(project) = &self.project_id {
            query = query.filter(tasks::project_id.eq(project.as_str()));
        }
        if let Some(projects) = &self.within {
            query = query.filter(tasks::project_id.eq_any(projects.iter().map(ProjectId::as_str)));
        }
        if !self.phases.is_empty() {
            query = query.filter(tasks::phase.eq_any(self.phases.iter().map(|phase| phase.as_str())));
        }
        match self.statuses_to_look_among().as_slice() {
            [] => {}
            // Only of a single one the server knows that its index gives the order.
            [status] => query = query.filter(tasks::status.eq(status.as_str())),
            statuses => {
                let statuses: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
                query = query.filter(tasks::status.eq_any(statuses));
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
        if let Some(after) = range.after() {
            query = query.filter(after);
        }
        let ordered = query.order((tasks::created_at.desc(), tasks::task_id.desc()));
        Keys::new(ordered.limit(range.limit).offset(range.offset()).select(tasks::task_id))
    }

    /// The statuses asked for, else those that go with the phases: they have an index, and without it a phase that
    /// few tasks are in is looked for among all of them.
    fn statuses_to_look_among(&self) -> Vec<TaskStatus> {
        if self.phases.is_empty() || !self.statuses.is_empty() {
            return self.statuses.clone();
        }
        let goes_with = |status: &TaskStatus, phase: &Phase| {
            open_status(*phase).map_or(status.is_terminal(), |open| open == *status)
        };
        let goes_with_one = |status: &&TaskStatus| self.phases.iter().any(|phase| goes_with(status, phase));
        TaskStatus::ALL.iter().filter(goes_with_one).copied().collect()
    }
}

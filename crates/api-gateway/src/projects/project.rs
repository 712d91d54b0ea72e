//! A project as its owners see it: what it is called, and what its tasks begin with.

use protocol::events::{JsonObject, TaskOptions};
use protocol::vocabulary::{ExecutionMode, QaProfile};
use protocol::{ProjectId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::tasks::submission::LeftOpen;
use crate::tasks::task::Submission;

/// What a project's owner settles for all its tasks; what is absent is decided as without a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectConfig {
    /// How output is judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) qa_profile: Option<QaProfile>,
    /// Whether people take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_mode: Option<ExecutionMode>,
    /// Whether repeated rejections may move a task to a higher tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) escalate_tier: Option<bool>,
    /// Tasks that may hold a slot at once. A column of its own, because admission reads it.
    #[serde(skip)]
    pub(crate) max_concurrent: Option<u32>,
}

impl ProjectConfig {
    /// This configuration with everything that `change` says in its place.
    #[must_use]
    pub(crate) fn amended(self, change: ConfigChange) -> Self {
        Self {
            qa_profile: change.qa_profile.of(self.qa_profile),
            default_mode: change.default_mode.of(self.default_mode),
            escalate_tier: change.escalate_tier.of(self.escalate_tier),
            max_concurrent: change.max_concurrent.of(self.max_concurrent),
        }
    }

    /// Fills in what a submitter left open.
    pub(crate) fn fill_in(&self, submission: &mut Submission, open: LeftOpen) {
        if let Some(mode) = self.default_mode.filter(|_| open.mode) {
            submission.execution_mode = mode;
        }
        let options: &mut TaskOptions = &mut submission.options;
        if options.qa_profile.is_none() {
            options.qa_profile.clone_from(&self.qa_profile);
        }
        if let Some(escalate) = self.escalate_tier.filter(|_| open.escalate_tier) {
            options.escalate_tier = escalate;
        }
    }
}

/// What is to become of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Unset,
    /// This takes its place.
    Set(T),
}

impl<T> Change<T> {
    /// What has become of the value.
    pub(crate) fn of(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Unset => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// What is to be changed of what a project's tasks begin with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfigChange {
    /// How output is judged.
    pub(crate) qa_profile: Change<QaProfile>,
    /// Whether people take part.
    pub(crate) default_mode: Change<ExecutionMode>,
    /// Whether repeated rejections may move a task to a higher tier.
    pub(crate) escalate_tier: Change<bool>,
    /// Tasks that may hold a slot at once.
    pub(crate) max_concurrent: Change<u32>,
}

/// A project as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Project {
    /// Its id.
    pub(crate) id: ProjectId,
    /// What people call it.
    pub(crate) name: String,
    /// What it is for; may be empty.
    pub(crate) description: String,
    /// Where its code lives.
    pub(crate) repo_url: Option<String>,
    /// What its tasks begin with.
    pub(crate) config: ProjectConfig,
    /// Rules for the workers of tasks that bring none of their own.
    pub(crate) constitution: Option<JsonObject>,
    /// Its tasks, however they stand.
    pub(crate) task_count: u64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When its owner last changed it.
    pub(crate) updated_at: Timestamp,
}

/// A project that is to be made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewProject {
    /// Its id.
    pub(crate) id: ProjectId,
    /// What people call it.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: String,
    /// Where its code lives.
    pub(crate) repo_url: Option<String>,
    /// What its tasks begin with.
    pub(crate) config: ProjectConfig,
}

/// What is to be changed in a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ProjectChange {
    /// What people call it, if that changes. Its id stays.
    pub(crate) name: Option<String>,
    /// What it is for, if that changes.
    pub(crate) description: Option<String>,
    /// Where its code lives.
    pub(crate) repo_url: Change<String>,
    /// What its tasks begin with, member by member.
    pub(crate) config: ConfigChange,
    /// Rules for its workers, as a whole, if they change.
    pub(crate) constitution: Option<JsonObject>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_what_it_does_not_name_and_unsets_what_it_says_is_nothing() {
        let config = ProjectConfig {
            qa_profile: Some(QaProfile::Security),
            max_concurrent: Some(3),
            escalate_tier: Some(true),
            default_mode: None,
        };
        let change = ConfigChange {
            max_concurrent: Change::Set(7),
            escalate_tier: Change::Unset,
            ..ConfigChange::default()
        };
        let expected = ProjectConfig {
            qa_profile: Some(QaProfile::Security),
            default_mode: None,
            escalate_tier: None,
            max_concurrent: Some(7),
        };
        assert_eq!(config.amended(change), expected);
    }
}

//! Which dead letters somebody means. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::TaskId;

use super::DeadLetterSummary;

/// Letters with certain properties; what is absent is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// With this id; only then bodies are shown.
    pub id: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of this event.
    pub event: Option<String>,
    /// About this task.
    pub task_id: Option<TaskId>,
    /// With this text in their reason.
    pub reason: Option<String>,
    /// Dead for at least so many seconds.
    pub older_than_seconds: Option<u32>,
}

/// The letters that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those with these ids.
    Ids(BTreeSet<String>),
    /// Those with these properties.
    Filter(DeadLetterFilter),
}

/// Whether a letter is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl Selection {
    /// Whether a letter of that queue can be meant.
    pub(super) fn looks_into(&self, queue: &str) -> bool {
        match self {
            Self::Ids(_) => true,
            Self::Filter(filter) => filter.queue.as_ref().is_none_or(|wanted| wanted == queue),
        }
    }

    /// Whether the bodies of the letters are asked for.
    pub(super) const fn shows_bodies(&self) -> bool {
        match self {
            Self::Ids(_) => false,
            Self::Filter(filter) => filter.id.is_some(),
        }
    }

    /// Whether the letter is meant.
    #[must_use]
    pub fn judge(&self, letter: &DeadLetterSummary, now: DateTime<Utc>) -> Chosen {
        let chosen = match self {
            Self::Ids(ids) => ids.contains(&letter.id),
            Self::Filter(filter) => filter.takes(letter, now),
        };
        if chosen { Chosen::Yes } else { Chosen::No }
    }
}

impl DeadLetterFilter {
    fn takes(&self, letter: &DeadLetterSummary, now: DateTime<Utc>) -> bool {
        let old_enough = |seconds: &u32| {
            letter.since.is_some_and(|since| now - since >= TimeDelta::seconds(i64::from(*seconds)))
        };
        let says =
            |text: &String| letter.reason.as_ref().is_some_and(|reason| reason.contains(text.as_str()));
        self.id.as_ref().is_none_or(|id| *id == letter.id)
            && self.queue.as_ref().is_none_or(|queue| *queue == letter.queue)
            && self.event.as_ref().is_none_or(|event| letter.event.as_ref() == Some(event))
            && self.task_id.is_none_or(|task_id| letter.task_id == Some(task_id))
            && self.reason.as_ref().is_none_or(says)
            && self.older_than_seconds.as_ref().is_none_or(old_enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_meant_when_everything_that_is_asked_for_is_true_of_it() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let task_id = TaskId::generate();
        let letter = DeadLetterSummary {
            id: "m".to_owned(),
            queue: "q.dead".to_owned(),
            exchange: "task.events".to_owned(),
            routing_key: "task.started".to_owned(),
            event: Some("task.started".to_owned()),
            task_id: Some(task_id),
            reason: Some("there is no task".to_owned()),
            failures: 3,
            since: Some(now - TimeDelta::seconds(60)),
            body: None,
        };
        let nothing = DeadLetterFilter::default;
        let text = |text: &str| Some(text.to_owned());
        for (filter, expected) in [
            (nothing(), Chosen::Yes),
            (DeadLetterFilter { id: text("m"), ..nothing() }, Chosen::Yes),
            (DeadLetterFilter { id: text("n"), ..nothing() }, Chosen::No),
            (DeadLetterFilter { queue: text("q.dead"), ..nothing() }, Chosen::Yes),
            (DeadLetterFilter { queue: text("q"), ..nothing() }, Chosen::No),
            (DeadLetterFilter { event: text("task.started"), ..nothing() }, Chosen::Yes),
            (DeadLetterFilter { event: text("task"), ..nothing() }, Chosen::No),
            (DeadLetterFilter { task_id: Some(task_id), reason: text("no task"), ..nothing() }, Chosen::Yes),
            (DeadLetterFilter { task_id: Some(TaskId::generate()), ..nothing() }, Chosen::No),
            (DeadLetterFilter { reason: text("panicked"), ..nothing() }, Chosen::No),
            (DeadLetterFilter { older_than_seconds: Some(60), ..nothing() }, Chosen::Yes),
            (DeadLetterFilter { older_than_seconds: Some(61), ..nothing() }, Chosen::No),
        ] {
            assert_eq!(Selection::Filter(filter.clone()).judge(&letter, now), expected, "{filter:?}");
        }
        let ids = |id: &str| Selection::Ids([id.to_owned()].into());
        assert_eq!(ids("m").judge(&letter, now), Chosen::Yes);
        assert_eq!(ids("n").judge(&letter, now), Chosen::No);
    }
}

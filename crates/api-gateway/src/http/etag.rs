//! Entity tags: a client that has the newest state of a task is told so in place of getting it again.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::HttpRequest;
use actix_web::http::header;
use protocol::TaskId;

/// Names one state of one task. Weak: equal tags promise the same state, not the same bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

impl EntityTag {
    /// The tag of a task's state; `sequence` grows with every change.
    pub(crate) fn of(task_id: TaskId, sequence: u64) -> Self {
        Self(format!("\"{task_id}.{sequence}\""))
    }

    /// The tag of a view that also shows what is not part of the task's state.
    pub(crate) fn with(self, more: Option<&str>) -> Self {
        match more {
            None => self,
            Some(more) => {
                let mut hasher = DefaultHasher::new();
                more.hash(&mut hasher);
                Self(format!("{}.{:x}\"", self.0.trim_end_matches('"'), hasher.finish()))
            }
        }
    }

    /// Whether the request says in `If-None-Match` that it has this state.
    pub(crate) fn is_known_to(&self, request: &HttpRequest) -> bool {
        let given = request.headers().get_all(header::IF_NONE_MATCH);
        given.filter_map(|value| value.to_str().ok()).any(|list| self.is_listed_in(list))
    }

    fn is_listed_in(&self, list: &str) -> bool {
        list.split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "W/{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_in_a_list_of_tags() {
        let task_id = TaskId::generate();
        let tag = EntityTag::of(task_id, 7);
        let strong = format!("\"{task_id}.7\"");
        for known in [tag.to_string(), strong.clone(), format!("\"x\", {strong}"), "*".to_owned()] {
            assert!(tag.is_listed_in(&known), "{known}");
        }
        assert_ne!(
            EntityTag::of(task_id, 7).with(Some("place 1")),
            EntityTag::of(task_id, 7).with(Some("place 2"))
        );
        assert_eq!(EntityTag::of(task_id, 7).with(None), tag);
        for other in [EntityTag::of(task_id, 8).to_string(), String::new(), format!("{task_id}.7")] {
            assert!(!tag.is_listed_in(&other), "{other}");
        }
    }
}

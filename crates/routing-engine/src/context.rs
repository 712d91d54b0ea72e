//! Client of the RAG service: what a worker should know beside the task. It is a help, never a condition: a task
//! without context is a task all the same, and its reasons say why it has none.

mod answer;

use protocol::ProjectId;
use protocol::events::{Context, TaskCreated};
use protocol::vocabulary::Domain;
use serde::{Deserialize, Serialize};

use crate::decision::TokenRules;
use crate::outbound::{Outbound, OutboundError};

/// Least and most tokens that the service can be asked for.
const ASKABLE: std::ops::RangeInclusive<u64> = 100..=10_000;

/// What is asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextSettings {
    /// Most tokens of context for one task; less where its tier has less room.
    pub max_tokens: u64,
    /// Most characters of the description that are used to search with.
    pub max_query_characters: usize,
}

impl ContextSettings {
    /// Whether the service can be asked for that much.
    #[must_use]
    pub fn is_askable(&self) -> bool {
        ASKABLE.contains(&self.max_tokens)
    }
}

/// The service behind its breaker.
pub struct ContextService {
    outbound: Outbound,
    settings: ContextSettings,
}

#[derive(Serialize)]
struct Query<'a> {
    query: &'a str,
    project_id: &'a ProjectId,
    domain: &'a Domain,
    max_tokens: u64,
    search_mode: &'static str,
    filters: Filters,
}

/// What was found wrong, or was never judged, must not become the ground of further work.
#[derive(Serialize)]
struct Filters {
    verified_only: bool,
    exclude_tainted: bool,
}

impl ContextService {
    /// The service that `outbound` leads to.
    #[must_use]
    pub const fn new(outbound: Outbound, settings: ContextSettings) -> Self {
        Self { outbound, settings }
    }

    /// Tokens to ask for where a tier has `room` left; `None` if that is too little to ask.
    #[must_use]
    pub fn budget(&self, room: u64) -> Option<u64> {
        let wanted = room.min(self.settings.max_tokens).min(*ASKABLE.end());
        ASKABLE.contains(&wanted).then_some(wanted)
    }

    /// What is known about the task, in about `max_tokens` tokens.
    ///
    /// # Errors
    /// If no answer came, or nothing that can be used.
    pub async fn find(
        &self,
        task: &TaskCreated,
        domain: &Domain,
        max_tokens: u64,
        tokens: &TokenRules,
    ) -> Result<Context, OutboundError> {
        let query = Query {
            query: beginning(&task.description, self.settings.max_query_characters),
            project_id: &task.project_id,
            domain,
            max_tokens,
            search_mode: "hybrid",
            filters: Filters { verified_only: true, exclude_tainted: true },
        };
        let answer = self.outbound.post("query", &query).await?;
        answer::read(&answer, tokens).ok_or(OutboundError::Unreadable)
    }
}

fn beginning(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_text_ends_at_a_character() {
        assert_eq!(beginning("grün", 3), "grü");
        assert_eq!(beginning("grün", 9), "grün");
    }
}

//! Which dead letters a body means: those with certain ids, or those with certain properties.

use protocol::TaskId;
use utoipa::ToSchema;

use crate::dead_letters::{DeadLetterFilter, Selection};
use crate::http::body::{Fields, Node};

/// Most ids in one body.
const MOST_IDS: usize = 1_000;
/// Most characters of an id, a name or a text that is looked for.
const MOST_CHARS: usize = 1_000;
/// A hundred years.
const MOST_SECONDS: u32 = 3_155_760_000;

/// Properties of dead letters; what is absent is not asked for.
#[derive(Debug, Default, ToSchema)]
pub(crate) struct DeadLetterFilterRequest {
    /// In this queue.
    #[schema(min_length = 1, max_length = 1_000)]
    queue: Option<String>,
    /// Of this event.
    #[schema(min_length = 1, max_length = 1_000)]
    event: Option<String>,
    /// About this task.
    #[schema(value_type = Option<Uuid>)]
    task_id: Option<TaskId>,
    /// With this text in their reason.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: Option<String>,
    /// Dead for at least so many seconds.
    #[schema(maximum = 3_155_760_000u32)]
    older_than_seconds: Option<u32>,
}

impl From<DeadLetterFilterRequest> for DeadLetterFilter {
    fn from(request: DeadLetterFilterRequest) -> Self {
        Self {
            id: None,
            queue: request.queue,
            event: request.event,
            task_id: request.task_id,
            reason: request.reason,
            older_than_seconds: request.older_than_seconds,
        }
    }
}

/// Letters that were named, or what is asked of them.
type Choice = (Option<Vec<String>>, Option<DeadLetterFilterRequest>);

/// Reads `ids` or `filter`, of which exactly one must be there.
pub(super) fn read_choice(fields: &mut Fields<'_>) -> Option<Choice> {
    let ids = fields.optional("ids", |node| node.list(|node: Node<'_>| node.text(1..=MOST_CHARS)));
    let filter = fields.optional("filter", |node: Node<'_>| node.object(read_filter));
    match (&ids, &filter) {
        (Some(ids), None) if ids.len() > MOST_IDS => {
            fields.refuse("ids", format!("must have at most {MOST_IDS} items"));
        }
        (Some(_), None) | (None, Some(_)) => {}
        (Some(_), Some(_)) => fields.refuse("filter", "must not be given together with ids"),
        (None, None) => fields.refuse("ids", "or filter is required"),
    }
    Some((ids, filter))
}

/// The letters that are meant.
pub(super) fn selection(ids: Option<Vec<String>>, filter: Option<DeadLetterFilterRequest>) -> Selection {
    match ids {
        Some(ids) => Selection::Ids(ids.into_iter().collect()),
        None => Selection::Filter(filter.unwrap_or_default().into()),
    }
}

fn read_filter(fields: &mut Fields<'_>) -> Option<DeadLetterFilterRequest> {
    Some(DeadLetterFilterRequest {
        queue: fields.optional("queue", |node| node.text(1..=MOST_CHARS)),
        event: fields.optional("event", |node| node.text(1..=MOST_CHARS)),
        task_id: fields.optional("task_id", |node| node.uuid()),
        reason: fields.optional("reason", |node| node.text(1..=MOST_CHARS)),
        older_than_seconds: fields.optional("older_than_seconds", |node| node.integer(0..=MOST_SECONDS)),
    })
}

//! What the bodies that make and change a webhook have in common.

use protocol::vocabulary::TaskStatus;

use crate::http::body::{Fields, Node};
use crate::webhooks::secret::Secret;
use crate::webhooks::target::MOST_URL_CHARS;

/// Most characters of a description.
const MOST_DESCRIPTION_CHARS: usize = 1000;

/// A URL as text; what it may point to is the installation's to say.
pub(super) fn read_url(node: Node<'_>) -> Option<String> {
    node.text(1..=MOST_URL_CHARS)
}

/// What the webhook is for.
pub(super) fn read_description(fields: &mut Fields<'_>) -> Option<String> {
    fields.optional("description", |node| node.text(0..=MOST_DESCRIPTION_CHARS))
}

/// Statuses to be told of, each named once.
pub(super) fn read_statuses(fields: &mut Fields<'_>) -> Option<Vec<TaskStatus>> {
    let mut statuses = fields.optional("statuses", |node| node.list(|item| item.parsed::<TaskStatus>()))?;
    statuses.sort_unstable();
    statuses.dedup();
    Some(statuses)
}

/// A key of the owner's own.
pub(super) fn read_secret(fields: &mut Fields<'_>) -> Option<Secret> {
    let text = fields.optional("secret", |node| node.text(1..=200))?;
    match Secret::parse(&text) {
        Ok(secret) => Some(secret),
        Err(rule) => {
            fields.refuse("secret", rule);
            None
        }
    }
}

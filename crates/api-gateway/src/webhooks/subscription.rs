//! A webhook as its owner knows it.

use protocol::vocabulary::TaskStatus;
use protocol::{ProjectId, Timestamp};
use uuid::Uuid;

use super::secret::Secret;

/// Names a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WebhookId(pub(crate) Uuid);

/// A webhook that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewWebhook {
    /// Where to send.
    pub(crate) url: String,
    /// Statuses to be told of; none means all.
    pub(crate) statuses: Vec<TaskStatus>,
    /// What it is for.
    pub(crate) description: String,
    /// The key of its signatures.
    pub(crate) secret: Secret,
}

/// What to change of a webhook; absent parts stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WebhookChange {
    /// Where to send.
    pub(crate) url: Option<String>,
    /// Statuses to be told of.
    pub(crate) statuses: Option<Vec<TaskStatus>>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// The key of its signatures.
    pub(crate) secret: Option<Secret>,
    /// Whether anything is sent.
    pub(crate) enabled: Option<bool>,
}

/// A webhook and how it fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    /// Its id.
    pub(crate) id: WebhookId,
    /// The project whose tasks it tells of.
    pub(crate) project_id: ProjectId,
    /// Where it sends.
    pub(crate) url: String,
    /// Statuses to be told of; none means all.
    pub(crate) statuses: Vec<TaskStatus>,
    /// What it is for.
    pub(crate) description: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When its owner last changed it.
    pub(crate) updated_at: Timestamp,
    /// When a delivery was last taken.
    pub(crate) last_success_at: Option<Timestamp>,
    /// First failure since then.
    pub(crate) failing_since: Option<Timestamp>,
    /// What went wrong last.
    pub(crate) last_error: Option<String>,
    /// Since when nothing is sent, and why.
    pub(crate) disabled: Option<(Timestamp, String)>,
    /// Deliveries that wait, or are tried again.
    pub(crate) pending: u64,
    /// Deliveries that were never taken and are not tried any more.
    pub(crate) given_up: u64,
}

//! A webhook as clients see it.

use protocol::vocabulary::TaskStatus;
use protocol::{ProjectId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::webhooks::secret::Secret;
use crate::webhooks::subscription::Webhook;

/// A webhook and how it fares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Its id.
    pub(super) id: Uuid,
    /// The project whose tasks it tells of.
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// Where it sends.
    #[schema(example = "https://hooks.example.org/dats")]
    url: String,
    /// What it is for; may be empty.
    description: String,
    /// Statuses to be told of; none means all.
    #[schema(value_type = Vec<TaskStatusWord>)]
    statuses: Vec<TaskStatus>,
    /// The key of its signatures. Shown once: in the answer to the request that made or changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Whether anything is sent.
    enabled: bool,
    /// Since when nothing is sent.
    #[schema(value_type = Option<DateTime>)]
    disabled_at: Option<Timestamp>,
    /// Why nothing is sent.
    disabled_reason: Option<String>,
    /// When a delivery was last taken, give or take ten seconds.
    #[schema(value_type = Option<DateTime>)]
    last_success_at: Option<Timestamp>,
    /// First failure since the last success.
    #[schema(value_type = Option<DateTime>)]
    failing_since: Option<Timestamp>,
    /// What went wrong last.
    last_error: Option<String>,
    /// Deliveries that wait or are tried again, counted up to 10000.
    pending_deliveries: u64,
    /// Deliveries that were never taken and are not tried any more.
    given_up_deliveries: u64,
    /// When it was made.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// When its owner last changed it.
    #[schema(value_type = DateTime)]
    updated_at: Timestamp,
}

impl WebhookView {
    /// The same with its key, for the one answer that shows it.
    pub(super) fn with_secret(self, secret: Option<&Secret>) -> Self {
        Self { secret: secret.map(Secret::reveal), ..self }
    }
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        let (disabled_at, disabled_reason) = webhook.disabled.unzip();
        Self {
            id: webhook.id.0,
            project_id: webhook.project_id,
            url: webhook.url,
            description: webhook.description,
            statuses: webhook.statuses,
            secret: None,
            enabled: disabled_at.is_none(),
            disabled_at,
            disabled_reason,
            last_success_at: webhook.last_success_at,
            failing_since: webhook.failing_since,
            last_error: webhook.last_error,
            pending_deliveries: webhook.pending,
            given_up_deliveries: webhook.given_up,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

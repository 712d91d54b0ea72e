//! `/projects/{project_id}/webhooks`: one file per endpoint. `view` is the webhook as clients see it, `request` what
//! several endpoints read of it.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
mod request;
pub(crate) mod update;
mod view;

use protocol::ErrorCode;

use super::problem::{ApiError, FieldError};
use super::projects::no_such_project;
use crate::webhooks::WebhookSettings;
use crate::webhooks::registry::WebhookError;
use crate::webhooks::target;

/// What holds for every webhook of this installation.
#[derive(Debug, Clone, Copy)]
pub struct WebhookRules {
    /// Whether receivers may be in private networks.
    pub(crate) allow_private: bool,
    /// Webhooks that a project may have.
    pub(crate) max_per_project: u32,
}

impl From<&WebhookSettings> for WebhookRules {
    fn from(settings: &WebhookSettings) -> Self {
        Self { allow_private: settings.allow_private_addresses, max_per_project: settings.max_per_project }
    }
}

impl WebhookRules {
    /// Refuses a URL that nothing may be sent to.
    fn check(&self, url: &str) -> Result<(), ApiError> {
        let refused = |message| ApiError::invalid(vec![FieldError { field: "url".to_owned(), message }]);
        target::parse(url, self.allow_private).map(|_| ()).map_err(refused)
    }
}

/// What a client learns of a use case that was refused.
fn refusal(error: WebhookError) -> ApiError {
    match error {
        WebhookError::NoSuchProject(id) => no_such_project(&id),
        WebhookError::NotFound => {
            ApiError::new(ErrorCode::WebhookNotFound, "the project has no webhook of that id")
        }
        WebhookError::TooMany(limit) => ApiError::new(
            ErrorCode::TooManyWebhooks,
            format!("the project has {limit} webhooks, as many as it may have"),
        ),
        WebhookError::Store(error) => error.into(),
    }
}

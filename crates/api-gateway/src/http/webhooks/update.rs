//! `PUT /projects/{project_id}/webhooks/{webhook_id}`: changes a subscription, or enables it again.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use protocol::vocabulary::TaskStatus;
use utoipa::ToSchema;

use super::refusal;
use super::request::{read_description, read_secret, read_statuses, read_url};
use super::view::WebhookView;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{CannotServe, NoSuchWebhookOrBadBody};
use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::webhooks::registry;
use crate::webhooks::secret::Secret;
use crate::webhooks::subscription::{WebhookChange, WebhookId};

/// Changes a webhook
///
/// What is not given stays. Enabling one that was disabled sends at once what has waited since.
#[utoipa::path(
    put,
    path = "/api/v1/projects/{project_id}/webhooks/{webhook_id}",
    tag = "webhooks",
    params(
        ("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
            pattern = "^[A-Za-z0-9._:-]+$"),
        ("webhook_id" = Uuid, Path, description = "The webhook"),
    ),
    request_body(content = UpdateWebhookRequest, examples(
        ("enable" = (summary = "Send again", value = json!({ "enabled": true }))),
        ("move" = (summary = "Another receiver", value = json!({ "url": "https://new.example.org/dats" }))),
    )),
    responses(
        (status = 200, description = "The webhook as it is now", body = WebhookView),
        NoSuchWebhookOrBadBody,
        CannotServe,
    )
)]
pub(crate) async fn update_webhook(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    webhook_id: PathId<WebhookId>,
    request: RequestBody<UpdateWebhookRequest>,
) -> Result<Json<WebhookView>, ApiError> {
    let change = WebhookChange::from(request.0);
    change.url.as_deref().map_or(Ok(()), |url| state.webhooks.check(url))?;
    let changed = registry::change_webhook(&state.tasks, &project_id.0, webhook_id.0, &change).await;
    Ok(Json(WebhookView::from(changed.map_err(refusal)?).with_secret(change.secret.as_ref())))
}

/// What to change of a webhook.
#[derive(Debug, PartialEq, ToSchema)]
pub(crate) struct UpdateWebhookRequest {
    /// Where to send.
    #[schema(min_length = 1, max_length = 2048)]
    url: Option<String>,
    /// Statuses to be told of; an empty list means all.
    #[schema(value_type = Option<Vec<TaskStatusWord>>)]
    statuses: Option<Vec<TaskStatus>>,
    /// What it is for.
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// Another key: `whsec_` and 24 to 64 bytes in base64.
    #[schema(value_type = Option<String>, pattern = r"^whsec_[A-Za-z0-9+/]+=*$")]
    secret: Option<Secret>,
    /// Whether anything is sent.
    enabled: Option<bool>,
}

impl ReadBody for UpdateWebhookRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            url: fields.optional("url", read_url),
            statuses: read_statuses(fields),
            description: read_description(fields),
            secret: read_secret(fields),
            enabled: fields.optional("enabled", |node| node.flag()),
        })
    }
}

impl From<UpdateWebhookRequest> for WebhookChange {
    fn from(request: UpdateWebhookRequest) -> Self {
        Self {
            url: request.url,
            statuses: request.statuses,
            description: request.description,
            secret: request.secret,
            enabled: request.enabled,
        }
    }
}

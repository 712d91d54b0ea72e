//! `DELETE /projects/{project_id}/webhooks/{webhook_id}`: ends a subscription.

use actix_web::HttpResponse;
use actix_web::web::Data;
use protocol::ProjectId;

use super::refusal;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchWebhook};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::webhooks::registry;
use crate::webhooks::subscription::WebhookId;

/// Deletes a webhook
///
/// What it has not told yet is forgotten with it.
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{project_id}/webhooks/{webhook_id}",
    tag = "webhooks",
    params(
        ("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
            pattern = "^[A-Za-z0-9._:-]+$"),
        ("webhook_id" = Uuid, Path, description = "The webhook"),
    ),
    responses(
        (status = 204, description = "The webhook is gone"),
        NoSuchWebhook,
        CannotServe,
    )
)]
pub(crate) async fn delete_webhook(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    webhook_id: PathId<WebhookId>,
) -> Result<HttpResponse, ApiError> {
    registry::delete_webhook(&state.tasks, &project_id.0, webhook_id.0).await.map_err(refusal)?;
    Ok(HttpResponse::NoContent().finish())
}

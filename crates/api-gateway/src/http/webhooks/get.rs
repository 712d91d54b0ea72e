//! `GET /projects/{project_id}/webhooks/{webhook_id}`: one webhook and how it fares.

use actix_web::web::{Data, Json};
use protocol::ProjectId;

use super::refusal;
use super::view::WebhookView;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchWebhook};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::webhooks::registry;
use crate::webhooks::subscription::WebhookId;

/// Shows a webhook
///
/// With what went wrong last, what waits to be sent, and why nothing is sent if it is disabled.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/webhooks/{webhook_id}",
    tag = "webhooks",
    params(
        ("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
            pattern = "^[A-Za-z0-9._:-]+$"),
        ("webhook_id" = Uuid, Path, description = "The webhook"),
    ),
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        NoSuchWebhook,
        CannotServe,
    )
)]
pub(crate) async fn get_webhook(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    webhook_id: PathId<WebhookId>,
    _: Query<NoParameters>,
) -> Result<Json<WebhookView>, ApiError> {
    let found = registry::find_webhook(&state.tasks, &project_id.0, webhook_id.0).await.map_err(refusal)?;
    Ok(Json(found.into()))
}

//! `GET /projects/{project_id}/webhooks`: all webhooks of a project.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal;
use super::view::WebhookView;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadInput};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::{NoParameters, Query};
use crate::webhooks::registry;

/// Lists a project's webhooks
///
/// Oldest first, all of them: a project has few.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/webhooks",
    tag = "webhooks",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    responses(
        (status = 200, description = "The project's webhooks", body = ListWebhooksResponse),
        NoSuchProjectOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn list_webhooks(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    _: Query<NoParameters>,
) -> Result<Json<ListWebhooksResponse>, ApiError> {
    let webhooks = registry::list_webhooks(&state.tasks, &project_id.0).await.map_err(refusal)?;
    let total = webhooks.len();
    Ok(Json(ListWebhooksResponse { webhooks: webhooks.into_iter().map(Into::into).collect(), total }))
}

/// The webhooks of a project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListWebhooksResponse {
    /// Oldest first.
    webhooks: Vec<WebhookView>,
    /// How many there are.
    total: usize,
}

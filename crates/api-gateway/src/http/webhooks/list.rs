//! `GET /projects/{project_id}/webhooks`: the webhooks of a project.

use actix_web::web::{Data, Json};
use protocol::ProjectId;
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal;
use super::view::WebhookView;
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchProjectOrBadInput};
use crate::http::page::Part;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::query::Query;
use crate::webhooks::registry;

/// Lists a project's webhooks
///
/// Oldest first, all of them unless a part is asked for: a project has few.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{project_id}/webhooks",
    tag = "webhooks",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$"), Part),
    responses(
        (status = 200, description = "The project's webhooks", body = ListWebhooksResponse),
        NoSuchProjectOrBadInput,
        CannotServe,
    )
)]
pub(crate) async fn list_webhooks(
    state: Data<AppState>,
    project_id: PathId<ProjectId>,
    part: Query<Part>,
) -> Result<Json<ListWebhooksResponse>, ApiError> {
    let webhooks = registry::list_webhooks(&state.tasks, &project_id.0).await.map_err(refusal)?;
    let total = webhooks.len();
    let webhooks = part.0.of(webhooks).into_iter().map(Into::into).collect();
    Ok(Json(ListWebhooksResponse { webhooks, total }))
}

/// The webhooks of a project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListWebhooksResponse {
    /// Oldest first.
    webhooks: Vec<WebhookView>,
    /// How many the project has.
    total: usize,
}

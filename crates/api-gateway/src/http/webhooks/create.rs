//! `POST /projects/{project_id}/webhooks`: subscribes to the status changes of a project's tasks.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use protocol::ProjectId;
use protocol::vocabulary::TaskStatus;
use utoipa::ToSchema;

use super::refusal;
use super::request::{read_description, read_secret, read_statuses, read_url};
use super::view::WebhookView;
use crate::http::AppState;
use crate::http::body::{Fields, ReadBody, RequestBody};
use crate::http::openapi::answers::{BadWebhook, CannotServe};
use crate::http::openapi::vocabulary::TaskStatusWord;
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::idempotency::OperationId;
use crate::webhooks::registry;
use crate::webhooks::secret::Secret;
use crate::webhooks::subscription::NewWebhook;

/// Makes a webhook
///
/// Each change of a task's status is sent to the URL as `POST` with a JSON body {`type`: `task.status.<status>`,
/// `timestamp`, `data`}, signed as [Standard Webhooks](https://www.standardwebhooks.com) says: headers `webhook-id`,
/// `webhook-timestamp` and `webhook-signature`. Any 2xx answer takes it; everything else is tried again with growing
/// waits for a day. The same change may be sent more than once, then with the same `webhook-id`, and changes may
/// overtake each other: `data.sequence` tells their order. The answer shows the key of the signatures, once.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{project_id}/webhooks",
    tag = "webhooks",
    params(("project_id" = String, Path, description = "The project", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9._:-]+$")),
    request_body(content = CreateWebhookRequest, examples(
        ("all" = (summary = "Every status change", value = json!({ "url": "https://hooks.example.org/dats" }))),
        ("ends" = (summary = "Only how tasks end", value = json!({
            "url": "https://hooks.example.org/dats",
            "statuses": ["completed", "failed"],
            "description": "Tells the release channel"
        }))),
    )),
    responses(
        (status = 201, description = "The webhook is made", body = WebhookView,
            headers(("Location" = String, description = "Where the webhook is"))),
        BadWebhook,
        CannotServe,
    )
)]
pub(crate) async fn create_webhook(
    state: Data<AppState>,
    operation: Option<OperationId>,
    project_id: PathId<ProjectId>,
    request: RequestBody<CreateWebhookRequest>,
) -> Result<HttpResponse, ApiError> {
    state.webhooks.check(&request.0.url)?;
    let (new, limit) = (NewWebhook::from(request.0), state.webhooks.max_per_project);
    let tasks = state.tasks.serving(operation);
    let webhook = registry::create_webhook(&tasks, &project_id.0, &new, limit).await.map_err(refusal)?;
    let view = WebhookView::from(webhook).with_secret(Some(&new.secret));
    let location = format!("{}/projects/{}/webhooks/{}", crate::http::API_PREFIX, project_id.0, view.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(view))
}

/// A webhook that is to be made.
#[derive(Debug, PartialEq, ToSchema)]
pub(crate) struct CreateWebhookRequest {
    /// Where to send; `http` or `https`. Private networks are refused unless the installation allows them.
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
    /// Statuses to be told of; all when absent or empty.
    #[schema(value_type = Option<Vec<TaskStatusWord>>)]
    statuses: Option<Vec<TaskStatus>>,
    /// What it is for.
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// A key of your own: `whsec_` and 24 to 64 bytes in base64. One is made when absent.
    #[schema(value_type = Option<String>, pattern = r"^whsec_[A-Za-z0-9+/]+=*$")]
    secret: Option<Secret>,
}

impl ReadBody for CreateWebhookRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let url = fields.required("url", read_url);
        let statuses = read_statuses(fields);
        let description = read_description(fields);
        let secret = read_secret(fields);
        Some(Self { url: url?, statuses, description, secret })
    }
}

impl From<CreateWebhookRequest> for NewWebhook {
    fn from(request: CreateWebhookRequest) -> Self {
        Self {
            url: request.url,
            statuses: request.statuses.unwrap_or_default(),
            description: request.description.unwrap_or_default(),
            secret: request.secret.unwrap_or_else(Secret::generate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::read_body;
    use crate::http::words::ConfiguredWords;
    use serde_json::json;

    fn read(body: &serde_json::Value) -> Result<NewWebhook, Vec<String>> {
        read_body::<CreateWebhookRequest>(body.to_string().as_bytes(), &ConfiguredWords::default())
            .map(Into::into)
            .map_err(|error| error.fields())
    }

    #[test]
    fn a_url_is_enough() {
        let webhook = read(&json!({ "url": "https://a.example" })).unwrap();
        assert_eq!((webhook.statuses, webhook.description.as_str()), (vec![], ""));
    }

    #[test]
    fn statuses_are_taken_once_each() {
        let body = json!({ "url": "https://a.example", "statuses": ["failed", "completed", "failed"] });
        assert_eq!(read(&body).unwrap().statuses, [TaskStatus::Completed, TaskStatus::Failed]);
    }

    #[test]
    fn every_bad_field_is_named() {
        for (body, fields) in [
            (json!({}), vec!["url"]),
            (json!({ "url": 5, "statuses": "failed" }), vec!["url", "statuses"]),
            (json!({ "url": "u", "statuses": ["done", "failed", 5] }), vec!["statuses[0]", "statuses[2]"]),
            (json!({ "url": "u", "secret": "short", "description": 1 }), vec!["description", "secret"]),
            (json!({ "url": "u", "enabled": false }), vec!["enabled"]),
        ] {
            assert_eq!(read(&body).unwrap_err(), fields, "{body}");
        }
    }
}

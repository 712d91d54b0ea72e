//! The use cases around webhooks: make, list, show, change, delete.

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use protocol::ProjectId;
use service_runtime::database::StoreError;
use thiserror::Error;

use super::store;
use super::subscription::{NewWebhook, Webhook, WebhookChange, WebhookId};
use crate::tasks::TaskService;

/// What an owner's own hand is named as the reason of.
const BY_OWNER: &str = "disabled by its owner";

/// Why something was not done with a webhook.
#[derive(Debug, Error)]
pub(crate) enum WebhookError {
    /// There is no such project.
    #[error("there is no project {0}")]
    NoSuchProject(ProjectId),
    /// The project has none of that id.
    #[error("there is no such webhook")]
    NotFound,
    /// The project has as many as it may have.
    #[error("the project has {0} webhooks already")]
    TooMany(u32),
    /// The store could not do it.
    #[error("the store could not do it")]
    Store(#[from] StoreError),
}

impl From<DieselError> for WebhookError {
    fn from(error: DieselError) -> Self {
        Self::Store(error.into())
    }
}

/// Makes a webhook. A request that is served again finds the one that it made, and gives it the key that it will show:
/// nobody has seen the first one.
///
/// # Errors
/// [`WebhookError::NoSuchProject`], [`WebhookError::TooMany`], or when the store does not answer.
pub(crate) async fn create_webhook(
    service: &TaskService,
    project_id: &ProjectId,
    new: &NewWebhook,
    limit: u32,
) -> Result<Webhook, WebhookError> {
    let (id, now) = (WebhookId(service.id_to_make().as_uuid()), service.now());
    let mut conn = service.connection().await?;
    conn.transaction(async |conn| {
        // The project's row is locked, so that two requests cannot both be the last one allowed.
        let Some(existing) = store::lock_project_and_count(conn, project_id).await? else {
            return Err(WebhookError::NoSuchProject(project_id.clone()));
        };
        if service.operation().is_some() && store::find(conn, project_id, id).await?.is_some() {
            let shown = WebhookChange { secret: Some(new.secret.clone()), ..WebhookChange::default() };
            store::update(conn, project_id, id, &shown, now).await?;
            return store::find(conn, project_id, id).await?.ok_or(WebhookError::NotFound);
        }
        if existing >= i64::from(limit) {
            return Err(WebhookError::TooMany(limit));
        }
        store::insert(conn, id, project_id, new, now).await?;
        store::find(conn, project_id, id).await?.ok_or(WebhookError::NotFound)
    })
    .await
}

/// Shows a webhook.
///
/// # Errors
/// [`WebhookError::NotFound`], or when the store does not answer.
pub(crate) async fn find_webhook(
    service: &TaskService,
    project_id: &ProjectId,
    id: WebhookId,
) -> Result<Webhook, WebhookError> {
    let mut conn = service.connection().await?;
    store::find(&mut conn, project_id, id).await?.ok_or(WebhookError::NotFound)
}

/// All webhooks of a project, oldest first.
///
/// # Errors
/// [`WebhookError::NoSuchProject`], or when the store does not answer.
pub(crate) async fn list_webhooks(
    service: &TaskService,
    project_id: &ProjectId,
) -> Result<Vec<Webhook>, WebhookError> {
    let mut conn = service.connection().await?;
    let webhooks = store::list(&mut conn, project_id).await?;
    if webhooks.is_empty() && !store::project_exists(&mut conn, project_id).await? {
        return Err(WebhookError::NoSuchProject(project_id.clone()));
    }
    Ok(webhooks)
}

/// Changes a webhook. Enabling it forgets its failures; what has waited is delivered.
///
/// # Errors
/// [`WebhookError::NotFound`], or when the store does not answer.
pub(crate) async fn change_webhook(
    service: &TaskService,
    project_id: &ProjectId,
    id: WebhookId,
    change: &WebhookChange,
) -> Result<Webhook, WebhookError> {
    let now = service.now();
    let mut conn = service.connection().await?;
    let changed = conn
        .transaction::<_, DieselError, _>(async |conn| {
            store::update(conn, project_id, id, change, now).await?;
            match change.enabled {
                Some(true) => store::enable(conn, project_id, id, now).await?,
                Some(false) => store::disable(conn, project_id, id, BY_OWNER, now).await?,
                None => {}
            }
            store::find(conn, project_id, id).await
        })
        .await?;
    drop(conn);
    service.nudges().webhooks.add([()]);
    changed.ok_or(WebhookError::NotFound)
}

/// Deletes a webhook and what it has not told yet.
///
/// # Errors
/// [`WebhookError::NotFound`], or when the store does not answer.
pub(crate) async fn delete_webhook(
    service: &TaskService,
    project_id: &ProjectId,
    id: WebhookId,
) -> Result<(), WebhookError> {
    let mut conn = service.connection().await?;
    if store::delete(&mut conn, project_id, id).await? { Ok(()) } else { Err(WebhookError::NotFound) }
}

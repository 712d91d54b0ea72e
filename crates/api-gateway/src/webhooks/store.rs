//! SQL of the webhooks themselves; see `deliveries` for what they send.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use protocol::vocabulary::TaskStatus;
use uuid::Uuid;

use super::subscription::{NewWebhook, Webhook, WebhookChange, WebhookId};
use crate::schema::{projects, webhooks};
use crate::tasks::store::row::corrupt;

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
struct WebhookRow {
    webhook_id: Uuid,
    project_id: String,
    url: String,
    description: String,
    statuses: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_success_at: Option<DateTime<Utc>>,
    failing_since: Option<DateTime<Utc>>,
    last_error: Option<String>,
    given_up: i64,
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<String>,
    #[diesel(select_expression = diesel::dsl::sql::<BigInt>(
        "(SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = webhooks.webhook_id \
         LIMIT 10000) AS bounded)"
    ))]
    #[diesel(select_expression_type = diesel::expression::SqlLiteral<BigInt>)]
    pending: i64,
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = diesel::result::Error;

    fn try_from(row: WebhookRow) -> QueryResult<Self> {
        let statuses = row.statuses.iter().map(|word| word.parse::<TaskStatus>()).collect::<Result<_, _>>();
        Ok(Self {
            id: WebhookId(row.webhook_id),
            project_id: ProjectId::new(row.project_id).map_err(|error| corrupt("project_id", error))?,
            url: row.url,
            statuses: statuses.map_err(|error| corrupt("statuses", error))?,
            description: row.description,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            last_success_at: row.last_success_at.map(Into::into),
            failing_since: row.failing_since.map(Into::into),
            last_error: row.last_error,
            disabled: row.disabled_at.map(Into::into).zip(row.disabled_reason),
            pending: row.pending.unsigned_abs(),
            given_up: row.given_up.unsigned_abs(),
        })
    }
}

fn words(statuses: &[TaskStatus]) -> Vec<&'static str> {
    statuses.iter().map(|status| status.as_str()).collect()
}

/// Locks the project and counts its webhooks; `None` if there is no such project.
pub(super) async fn lock_project_and_count(
    conn: &mut AsyncPgConnection,
    id: &ProjectId,
) -> QueryResult<Option<i64>> {
    let found = projects::table.find(id.as_str()).for_no_key_update().select(projects::project_id);
    if found.first::<String>(conn).await.optional()?.is_none() {
        return Ok(None);
    }
    webhooks::table.filter(webhooks::project_id.eq(id.as_str())).count().get_result(conn).await.map(Some)
}

/// Whether there is such a project.
pub(super) async fn project_exists(conn: &mut AsyncPgConnection, id: &ProjectId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(projects::table.find(id.as_str()))).get_result(conn).await
}

/// Stores a webhook.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    id: WebhookId,
    project_id: &ProjectId,
    new: &NewWebhook,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::webhook_id.eq(id.0),
            webhooks::project_id.eq(project_id.as_str()),
            webhooks::url.eq(&new.url),
            webhooks::description.eq(&new.description),
            webhooks::statuses.eq(words(&new.statuses)),
            webhooks::secret.eq(new.secret.as_bytes()),
            webhooks::created_at.eq(now),
            webhooks::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// The webhook, if the project has one of that id.
pub(super) async fn find(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
    id: WebhookId,
) -> QueryResult<Option<Webhook>> {
    let row = webhooks::table
        .find(id.0)
        .filter(webhooks::project_id.eq(project_id.as_str()))
        .select(WebhookRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Webhook::try_from).transpose()
}

/// All webhooks of a project, oldest first. There are few: their number is limited.
pub(super) async fn list(conn: &mut AsyncPgConnection, project_id: &ProjectId) -> QueryResult<Vec<Webhook>> {
    let rows: Vec<WebhookRow> = webhooks::table
        .filter(webhooks::project_id.eq(project_id.as_str()))
        .order((webhooks::created_at, webhooks::webhook_id))
        .select(WebhookRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Webhook::try_from).collect()
}

#[derive(AsChangeset)]
#[diesel(table_name = webhooks)]
struct Changed<'a> {
    url: Option<&'a str>,
    statuses: Option<Vec<&'static str>>,
    description: Option<&'a str>,
    secret: Option<&'a [u8]>,
    updated_at: DateTime<Utc>,
}

/// Writes what an owner can change.
pub(super) async fn update(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
    id: WebhookId,
    change: &WebhookChange,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let changed = Changed {
        url: change.url.as_deref(),
        statuses: change.statuses.as_deref().map(words),
        description: change.description.as_deref(),
        secret: change.secret.as_ref().map(super::secret::Secret::as_bytes),
        updated_at: now,
    };
    let own = webhooks::table.find(id.0).filter(webhooks::project_id.eq(project_id.as_str()));
    diesel::update(own).set(changed).execute(conn).await.map(|_| ())
}

/// Lets it send again, at once, as if nothing had happened.
pub(super) async fn enable(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
    id: WebhookId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let own = webhooks::table.find(id.0).filter(webhooks::project_id.eq(project_id.as_str()));
    let enabled = diesel::update(own)
        .set((
            webhooks::disabled_at.eq(None::<DateTime<Utc>>),
            webhooks::disabled_reason.eq(None::<String>),
            webhooks::failing_since.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    if enabled > 0 { super::deliveries::make_due(conn, id, now).await } else { Ok(()) }
}

/// Keeps it from sending. What has waited goes on waiting. One that is disabled already keeps its reason.
pub(super) async fn disable(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
    id: WebhookId,
    reason: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let own = webhooks::table
        .find(id.0)
        .filter(webhooks::project_id.eq(project_id.as_str()))
        .filter(webhooks::disabled_at.is_null());
    diesel::update(own)
        .set((webhooks::disabled_at.eq(now), webhooks::disabled_reason.eq(reason)))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Deletes it with its deliveries; whether there was one.
pub(super) async fn delete(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
    id: WebhookId,
) -> QueryResult<bool> {
    let own = webhooks::table.find(id.0).filter(webhooks::project_id.eq(project_id.as_str()));
    diesel::delete(own).execute(conn).await.map(|deleted| deleted > 0)
}

/// A delivery was taken. A webhook that has long been doing well is not rewritten with every success.
pub(super) async fn mark_success(
    conn: &mut AsyncPgConnection,
    id: WebhookId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let is_news = webhooks::failing_since
        .is_not_null()
        .or(webhooks::last_success_at.is_null())
        .or(webhooks::last_success_at.lt(now - chrono::TimeDelta::seconds(10)));
    diesel::update(webhooks::table.find(id.0).filter(is_news))
        .set((
            webhooks::last_success_at.eq(now),
            webhooks::failing_since.eq(None::<DateTime<Utc>>),
            webhooks::last_error.eq(None::<String>),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// A failure of a webhook.
pub(super) struct Failure<'a> {
    /// What went wrong.
    pub(super) error: &'a str,
    /// When.
    pub(super) at: DateTime<Utc>,
    /// A webhook that has failed since before then is disabled.
    pub(super) tolerated_since: DateTime<Utc>,
    /// Why it is disabled, if it is.
    pub(super) reason: &'a str,
    /// Whether the delivery is tried no more.
    pub(super) given_up: bool,
}

/// A delivery was not taken; whether that disabled the webhook.
pub(super) async fn mark_failure(
    conn: &mut AsyncPgConnection,
    id: WebhookId,
    failure: &Failure<'_>,
) -> QueryResult<bool> {
    let given_up = i64::from(failure.given_up);
    diesel::update(webhooks::table.find(id.0).filter(webhooks::failing_since.is_null()))
        .set(webhooks::failing_since.eq(failure.at))
        .execute(conn)
        .await?;
    diesel::update(webhooks::table.find(id.0))
        .set((webhooks::last_error.eq(failure.error), webhooks::given_up.eq(webhooks::given_up + given_up)))
        .execute(conn)
        .await?;
    let failing_for_long = webhooks::table
        .find(id.0)
        .filter(webhooks::disabled_at.is_null())
        .filter(webhooks::failing_since.le(failure.tolerated_since));
    let disabled = diesel::update(failing_for_long)
        .set((webhooks::disabled_at.eq(failure.at), webhooks::disabled_reason.eq(failure.reason)))
        .execute(conn)
        .await?;
    Ok(disabled > 0)
}

//! SQL of the deliveries: written with the status change, claimed by any replica, deleted when taken or given up.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::announcement::Announcement;
use super::secret::Secret;
use super::subscription::WebhookId;
use crate::schema::webhook_deliveries;
use crate::tasks::store::arrays::array_statement;

/// A delivery that this replica has taken on.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    /// Its id, the same for every attempt.
    pub(super) id: Uuid,
    /// Whose it is.
    pub(super) webhook: WebhookId,
    /// Where it goes.
    pub(super) url: String,
    /// What signs it.
    pub(super) secret: Secret,
    /// What is sent.
    pub(super) body: Vec<u8>,
    /// When the status changed.
    pub(super) created_at: DateTime<Utc>,
    /// Attempts with the one that begins now.
    pub(super) attempts: u32,
}

array_statement! {
    /// What the webhooks of these projects are told. The lock makes a webhook that is being deleted drop out here
    /// instead of failing the whole change.
    InsertDeliveries<'a> {
        project_id: Text => &'a str,
        status: Text => &'a str,
        body: Binary => &'a [u8],
        now: Timestamptz => DateTime<Utc>,
    }
    before "INSERT INTO webhook_deliveries (delivery_id, webhook_id, body, created_at, next_attempt_at) \
        SELECT gen_random_uuid(), w.webhook_id, told.body, told.at, told.at FROM ";
    after "AS told (project_id, status, body, at) JOIN webhooks w ON w.project_id = told.project_id \
        WHERE w.disabled_at IS NULL AND (cardinality(w.statuses) = 0 OR told.status = ANY (w.statuses)) \
        FOR KEY SHARE OF w";
}

/// Writes what the changes mean to their projects' webhooks, inside the caller's transaction; how many deliveries.
///
/// # Errors
/// As the database says.
pub(crate) async fn insert_deliveries(
    mut conn: &AsyncPgConnection,
    announcements: &[Announcement],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    if announcements.is_empty() {
        return Ok(0);
    }
    let mut statement = InsertDeliveries::default();
    for announcement in announcements {
        statement.project_id.push(announcement.project_id.as_str());
        statement.status.push(announcement.status.as_str());
        statement.body.push(&announcement.body);
        statement.now.push(now);
    }
    statement.execute(&mut conn).await
}

/// How much may be claimed.
pub(super) struct Room<'a> {
    /// Deliveries in all.
    pub(super) in_all: i64,
    /// Deliveries of one webhook.
    pub(super) per_webhook: i64,
    /// Webhooks with as many under way as they may have.
    pub(super) busy: &'a [Uuid],
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = SqlUuid)]
    delivery_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    webhook_id: Uuid,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
    #[diesel(sql_type = Binary)]
    body: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    attempts: i32,
}

/// Takes on deliveries that are due, a few of each webhook. They count as lost, and are due again, at `lost_at`.
pub(super) async fn claim_deliveries(
    conn: &mut AsyncPgConnection,
    room: &Room<'_>,
    now: DateTime<Utc>,
    lost_at: DateTime<Utc>,
) -> QueryResult<Vec<Delivery>> {
    let rows: Vec<ClaimedRow> = diesel::sql_query(
        "WITH due AS ( \
           SELECT d.delivery_id, w.webhook_id, w.url, w.secret FROM webhooks w CROSS JOIN LATERAL ( \
             SELECT delivery_id FROM webhook_deliveries \
             WHERE webhook_id = w.webhook_id AND next_attempt_at <= $1 \
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED) d \
           WHERE w.disabled_at IS NULL AND w.webhook_id <> ALL ($3) LIMIT $4) \
         UPDATE webhook_deliveries d SET attempts = d.attempts + 1, next_attempt_at = $5 \
         FROM due WHERE d.delivery_id = due.delivery_id \
         RETURNING d.delivery_id, due.webhook_id, due.url, due.secret, d.body, d.created_at, d.attempts",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(room.per_webhook)
    .bind::<Array<SqlUuid>, _>(room.busy)
    .bind::<BigInt, _>(room.in_all)
    .bind::<Timestamptz, _>(lost_at)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(Delivery::from).collect())
}

impl From<ClaimedRow> for Delivery {
    fn from(row: ClaimedRow) -> Self {
        Self {
            id: row.delivery_id,
            webhook: WebhookId(row.webhook_id),
            url: row.url,
            secret: Secret::from_bytes(row.secret),
            body: row.body,
            created_at: row.created_at,
            attempts: row.attempts.unsigned_abs(),
        }
    }
}

/// Puts a delivery off; it stays.
pub(super) async fn put_off(conn: &mut AsyncPgConnection, id: Uuid, until: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(webhook_deliveries::table.find(id))
        .set(webhook_deliveries::next_attempt_at.eq(until))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Forgets a delivery: it was taken, or is given up.
pub(super) async fn delete(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::delete(webhook_deliveries::table.find(id)).execute(conn).await.map(|_| ())
}

/// Makes everything due that a webhook has put off.
pub(super) async fn make_due(
    conn: &mut AsyncPgConnection,
    webhook: WebhookId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(webhook_deliveries::table.filter(webhook_deliveries::webhook_id.eq(webhook.0)))
        .set(webhook_deliveries::next_attempt_at.eq(now))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Gives up to `limit` deliveries up that are older than anybody tries: those of disabled webhooks. How many.
pub(super) async fn give_up_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "WITH old AS ( \
           SELECT delivery_id FROM webhook_deliveries WHERE created_at < $1 \
           ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED), \
         gone AS (DELETE FROM webhook_deliveries d USING old WHERE d.delivery_id = old.delivery_id \
           RETURNING d.webhook_id) \
         UPDATE webhooks w SET given_up = w.given_up + counted.n \
         FROM (SELECT webhook_id, count(*) AS n FROM gone GROUP BY webhook_id) AS counted \
         WHERE w.webhook_id = counted.webhook_id",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

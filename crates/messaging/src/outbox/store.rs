//! The outbox's SQL, and nothing else. Rows are written as arrays in one statement: one round trip for a batch of any
//! size, prepared once per connection.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Binary, Double, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::WireMessage;
use uuid::Uuid;

use super::OutboxEntry;
use crate::message;

diesel::table! {
    outbox (id) {
        id -> Uuid,
        exchange -> Text,
        routing_key -> Text,
        event_type -> Text,
        content_type -> Text,
        correlation_id -> Nullable<Text>,
        traceparent -> Nullable<Text>,
        body -> Binary,
        created_at -> Timestamptz,
        claimed_until -> Nullable<Timestamptz>,
    }
}

/// Rows beyond this are not counted one by one.
const COUNT_LIMIT: i64 = 10_001;

/// Writes the entries inside the caller's transaction.
///
/// # Errors
/// As the database says; a serialization error for a message that AMQP could not carry, so that it is never committed.
pub async fn insert(mut connection: &AsyncPgConnection, entries: &[OutboxEntry]) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    for entry in entries {
        message::check(&entry.message).map_err(|error| DieselError::SerializationError(Box::new(error)))?;
    }
    NewRows::of(entries).execute(&mut connection).await.map(drop)
}

/// The entries as one array per column.
#[derive(Default)]
struct NewRows<'a> {
    ids: Vec<Uuid>,
    exchanges: Vec<&'a str>,
    routing_keys: Vec<&'a str>,
    event_types: Vec<&'a str>,
    content_types: Vec<&'a str>,
    correlation_ids: Vec<Option<&'a str>>,
    traceparents: Vec<Option<&'a str>>,
    bodies: Vec<&'a [u8]>,
}

impl<'a> NewRows<'a> {
    fn of(entries: &'a [OutboxEntry]) -> Self {
        let mut rows = Self::default();
        for OutboxEntry { id, message } in entries {
            rows.ids.push(*id);
            rows.exchanges.push(&message.exchange);
            rows.routing_keys.push(&message.routing_key);
            rows.event_types.push(&message.event_type);
            rows.content_types.push(&message.content_type);
            rows.correlation_ids.push(message.correlation_id.as_deref());
            rows.traceparents.push(message.traceparent.as_deref());
            rows.bodies.push(&message.body);
        }
        rows
    }
}

impl QueryFragment<Pg> for NewRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO outbox (id, exchange, routing_key, event_type, content_type, correlation_id, \
             traceparent, body) SELECT * FROM UNNEST(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        for texts in [&self.exchanges, &self.routing_keys, &self.event_types, &self.content_types] {
            out.push_sql(", ");
            out.push_bind_param::<Array<Text>, _>(texts)?;
        }
        for texts in [&self.correlation_ids, &self.traceparents] {
            out.push_sql(", ");
            out.push_bind_param::<Array<Nullable<Text>>, _>(texts)?;
        }
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.bodies)?;
        out.push_sql(")");
        Ok(())
    }
}

/// The text is the same for every batch, so a connection prepares it once.
impl QueryId for NewRows<'_> {
    type QueryId = NewRows<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for NewRows<'_> {}

/// Deletes the rows of confirmed messages.
pub(super) async fn delete(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<usize> {
    diesel::delete(outbox::table.filter(outbox::id.eq_any(ids))).execute(connection).await
}

/// Takes up to `limit` rows older than `older_than` that nobody holds, the oldest first, and holds them for `lease`.
pub(super) async fn claim(
    connection: &mut AsyncPgConnection,
    older_than: Duration,
    lease: Duration,
    limit: i64,
) -> QueryResult<Vec<OutboxEntry>> {
    let rows: Vec<Row> = diesel::sql_query(
        "WITH due AS ( \
           SELECT id FROM outbox \
           WHERE created_at < clock_timestamp() - make_interval(secs => $1) \
             AND (claimed_until IS NULL OR claimed_until < clock_timestamp()) \
           ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED) \
         UPDATE outbox SET claimed_until = clock_timestamp() + make_interval(secs => $2) \
         FROM due WHERE outbox.id = due.id \
         RETURNING outbox.*",
    )
    .bind::<Double, _>(older_than.as_secs_f64())
    .bind::<Double, _>(lease.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    let mut rows = rows;
    rows.sort_by_key(|row| row.created_at);
    Ok(rows.into_iter().map(Row::into_entry).collect())
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, QueryableByName)]
pub(super) struct Depth {
    /// Rows, counted up to a limit.
    #[diesel(sql_type = BigInt)]
    pub(super) rows: i64,
    /// Age of the oldest row in seconds.
    #[diesel(sql_type = Double)]
    pub(super) oldest_seconds: f64,
}

pub(super) async fn depth(connection: &mut AsyncPgConnection) -> QueryResult<Depth> {
    diesel::sql_query(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS bounded) AS rows, \
         coalesce((SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM outbox), 0)::float8 \
         AS oldest_seconds",
    )
    .bind::<BigInt, _>(COUNT_LIMIT)
    .get_result(connection)
    .await
}

#[derive(QueryableByName)]
#[diesel(table_name = outbox)]
struct Row {
    id: Uuid,
    exchange: String,
    routing_key: String,
    event_type: String,
    content_type: String,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    body: Vec<u8>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn into_entry(self) -> OutboxEntry {
        OutboxEntry {
            id: self.id,
            message: WireMessage {
                exchange: self.exchange,
                routing_key: self.routing_key,
                message_id: self.id.to_string(),
                event_type: self.event_type,
                content_type: self.content_type,
                correlation_id: self.correlation_id,
                traceparent: self.traceparent,
                timestamp: u64::try_from(self.created_at.timestamp()).unwrap_or_default(),
                body: self.body,
            },
        }
    }
}

//! The inbox: ids of events that were applied, kept in the same database and written in the same transaction as what
//! they changed, so that an event changes state at most once however often it is delivered.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::EventId;
use service_runtime::database::IS_BEGUN;
use uuid::Uuid;

/// Records the ids and returns those that are new. Run it first in the transaction that applies the events; when that
/// rolls back, so does this. An id that a batch holds twice is new once: take it out of the set when applying it.
///
/// # Errors
/// As the database says.
pub async fn claim(connection: &AsyncPgConnection, events: &[EventId]) -> QueryResult<HashSet<EventId>> {
    claim_new::<false>(connection, events).await
}

/// As [`claim`], sent along with [`begin_by_keys`](service_runtime::database::begin_by_keys): it records nothing if the
/// transaction could not be begun, in which case the statement would be a transaction of its own.
///
/// # Errors
/// As the database says.
pub async fn claim_begun(
    connection: &AsyncPgConnection,
    events: &[EventId],
) -> QueryResult<HashSet<EventId>> {
    claim_new::<true>(connection, events).await
}

async fn claim_new<const IF_BEGUN: bool>(
    mut connection: &AsyncPgConnection,
    events: &[EventId],
) -> QueryResult<HashSet<EventId>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    // Two transactions that claim the same ids in different orders would wait for each other.
    let mut ids: Vec<Uuid> = events.iter().map(|id| id.as_uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    let new: Vec<Uuid> = NewIds::<IF_BEGUN>(ids).load(&mut connection).await?;
    Ok(new.into_iter().map(EventId).collect())
}

struct NewIds<const IF_BEGUN: bool>(Vec<Uuid>);

impl<const IF_BEGUN: bool> QueryFragment<Pg> for NewIds<IF_BEGUN> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO inbox (event_id) SELECT * FROM UNNEST(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.0)?;
        out.push_sql(")");
        if IF_BEGUN {
            out.push_sql(" WHERE ");
            out.push_sql(IS_BEGUN);
        }
        out.push_sql(" ON CONFLICT DO NOTHING RETURNING event_id");
        Ok(())
    }
}

/// The text is the same for every batch, so a connection prepares it once.
impl<const IF_BEGUN: bool> QueryId for NewIds<IF_BEGUN> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const IF_BEGUN: bool> Query for NewIds<IF_BEGUN> {
    type SqlType = SqlUuid;
}

impl<C, const IF_BEGUN: bool> diesel::RunQueryDsl<C> for NewIds<IF_BEGUN> {}

/// Forgets up to `limit` ids recorded before `before`; returns how many. An event delivered again after that would be
/// applied again, so keep ids longer than any message can wait.
///
/// # Errors
/// As the database says.
pub async fn delete_before(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM inbox WHERE ctid = ANY (ARRAY( \
            SELECT ctid FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(connection)
    .await
}

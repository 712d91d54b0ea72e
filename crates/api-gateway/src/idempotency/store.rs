//! SQL of idempotency keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Claim, Claimed, KeptAnswer, KeyedRequest, OperationId};
use crate::schema::idempotency_keys;

/// A key is free when it is new, forgotten, or claimed for the same request by somebody who is taken for dead.
const CLAIM: &str = "\
    INSERT INTO idempotency_keys AS known \
        (caller, key, fingerprint, operation_id, claim_id, lease_until, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) \
    ON CONFLICT (caller, key) DO UPDATE SET \
        fingerprint = excluded.fingerprint, \
        operation_id = CASE WHEN known.created_at < $8 THEN excluded.operation_id ELSE known.operation_id END, \
        created_at = CASE WHEN known.created_at < $8 THEN excluded.created_at ELSE known.created_at END, \
        claim_id = excluded.claim_id, lease_until = excluded.lease_until, \
        status = NULL, content_type = NULL, location = NULL, body = NULL \
    WHERE known.created_at < $8 \
        OR (known.status IS NULL AND known.lease_until <= $7 AND known.fingerprint = excluded.fingerprint) \
    RETURNING operation_id";

/// A try to claim a key.
pub(super) struct Attempt<'r> {
    pub(super) request: &'r KeyedRequest,
    pub(super) claim_id: Uuid,
    /// Unless the request has one already.
    pub(super) operation_id: OperationId,
    pub(super) now: DateTime<Utc>,
    pub(super) lease_until: DateTime<Utc>,
    pub(super) forgotten_before: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct OperationRow {
    #[diesel(sql_type = SqlUuid)]
    operation_id: Uuid,
}

/// Claims a key if it is free. The claim need not be on the disk: what the request then stores is written after it,
/// and nothing is on the disk before what was written earlier.
pub(super) async fn claim(
    conn: &mut AsyncPgConnection,
    attempt: &Attempt<'_>,
) -> QueryResult<Option<OperationId>> {
    let row: Option<OperationRow> = conn
        .transaction(async |conn| {
            diesel::sql_query("SET LOCAL synchronous_commit = off").execute(conn).await?;
            diesel::sql_query(CLAIM)
                .bind::<Text, _>(&attempt.request.caller)
                .bind::<Text, _>(&attempt.request.key)
                .bind::<Binary, _>(&attempt.request.fingerprint.0[..])
                .bind::<SqlUuid, _>(attempt.operation_id.0)
                .bind::<SqlUuid, _>(attempt.claim_id)
                .bind::<Timestamptz, _>(attempt.lease_until)
                .bind::<Timestamptz, _>(attempt.now)
                .bind::<Timestamptz, _>(attempt.forgotten_before)
                .get_result(conn)
                .await
                .optional()
        })
        .await?;
    Ok(row.map(|row| OperationId(row.operation_id)))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, check_for_backend(diesel::pg::Pg))]
struct KeyRow {
    fingerprint: Vec<u8>,
    status: Option<i16>,
    content_type: Option<String>,
    location: Option<String>,
    body: Option<Vec<u8>>,
}

/// What a key that is not free stands for.
pub(super) async fn find(
    conn: &mut AsyncPgConnection,
    request: &KeyedRequest,
) -> QueryResult<Option<Claimed>> {
    let row: Option<KeyRow> = idempotency_keys::table
        .find((&request.caller, &request.key))
        .select(KeyRow::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|row| {
        if row.fingerprint != request.fingerprint.0 {
            return Claimed::Reused;
        }
        match (row.status, row.body) {
            (Some(status), Some(body)) => Claimed::Answered(KeptAnswer {
                status: status.unsigned_abs(),
                content_type: row.content_type,
                location: row.location,
                body,
            }),
            _ => Claimed::Running,
        }
    }))
}

/// Stores the answer of a claim that still holds.
pub(super) async fn keep(
    conn: &mut AsyncPgConnection,
    claim: &Claim,
    answer: &KeptAnswer,
) -> QueryResult<()> {
    diesel::update(idempotency_keys::table.find((&claim.request.caller, &claim.request.key)))
        .filter(idempotency_keys::claim_id.eq(claim.claim_id))
        .set((
            idempotency_keys::status.eq(i16::try_from(answer.status).ok()),
            idempotency_keys::content_type.eq(&answer.content_type),
            idempotency_keys::location.eq(&answer.location),
            idempotency_keys::body.eq(&answer.body),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Forgets a claim that still holds.
pub(super) async fn release(conn: &mut AsyncPgConnection, claim: &Claim) -> QueryResult<()> {
    diesel::delete(idempotency_keys::table.find((&claim.request.caller, &claim.request.key)))
        .filter(idempotency_keys::claim_id.eq(claim.claim_id))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Forgets up to `limit` keys older than `before`; how many.
pub(crate) async fn delete_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY( \
            SELECT ctid FROM idempotency_keys WHERE created_at < $1 \
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

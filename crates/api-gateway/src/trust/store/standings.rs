//! SQL of how artifacts stand, and of taints that the provenance-store has not answered yet.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::ArtifactStanding;
use protocol::{ArtifactId, EventId};
use uuid::Uuid;

/// Takes in how artifacts stand, unless something later is known of them, and that these events are answered. Whether
/// anything may be tainted no longer.
pub(crate) async fn save_standing(
    conn: &mut AsyncPgConnection,
    standing: &ArtifactStanding,
    at: DateTime<Utc>,
) -> QueryResult<bool> {
    let tainted = standing.tainted.iter().map(|name| (name.as_str(), true));
    let untainted = standing.untainted.iter().map(|name| (name.as_str(), false));
    let stands: BTreeMap<&str, bool> = untainted.chain(tainted).collect();
    if !stands.is_empty() {
        let (names, is_tainted): (Vec<&str>, Vec<bool>) = stands.into_iter().unzip();
        sql_query(
            "INSERT INTO artifact_standings (artifact_id, is_tainted, moment, heard_at)
             SELECT name, is_tainted, $3, $4 FROM UNNEST($1, $2) AS told (name, is_tainted)
             ON CONFLICT (artifact_id) DO UPDATE SET
                is_tainted = EXCLUDED.is_tainted, moment = EXCLUDED.moment, heard_at = EXCLUDED.heard_at
             WHERE artifact_standings.moment <= EXCLUDED.moment",
        )
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Bool>, _>(is_tainted)
        .bind::<BigInt, _>(standing.moment)
        .bind::<Timestamptz, _>(at)
        .execute(conn)
        .await?;
    }
    let answered = delete_asked(conn, &standing.answers).await?;
    Ok(answered || !standing.untainted.is_empty())
}

async fn delete_asked(conn: &mut AsyncPgConnection, answered: &[EventId]) -> QueryResult<bool> {
    if answered.is_empty() {
        return Ok(false);
    }
    let deleted = sql_query("DELETE FROM asked_taints WHERE event_id = ANY ($1)")
        .bind::<Array<SqlUuid>, _>(answered.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(deleted > 0)
}

/// A taint that the provenance-store has not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The artifacts.
    pub(crate) artifacts: BTreeSet<String>,
    /// The cascade, where it was named.
    pub(crate) cascade_id: Option<String>,
    /// Whether what is built on them becomes suspect.
    pub(crate) propagates: bool,
}

/// Remembers that the event says these artifacts to be wrong.
pub(crate) async fn insert_asked(
    conn: &mut AsyncPgConnection,
    event: EventId,
    artifacts: &[ArtifactId],
    cascade_id: Option<&str>,
    propagates: bool,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    sql_query(
        "INSERT INTO asked_taints (event_id, artifact_id, cascade_id, propagates, asked_at)
         SELECT DISTINCT $2, name, $3, $4, $5 FROM UNNEST($1) AS told (name) ON CONFLICT DO NOTHING",
    )
    .bind::<Array<Text>, _>(artifacts.iter().map(ArtifactId::as_str).collect::<Vec<_>>())
    .bind::<SqlUuid, _>(event.as_uuid())
    .bind::<Nullable<Text>, _>(cascade_id)
    .bind::<Bool, _>(propagates)
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Lets nobody else ask about this artifact before the end of the transaction.
pub(crate) async fn lock_asking(conn: &mut AsyncPgConnection, artifact: &str) -> QueryResult<()> {
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(artifact)
        .execute(conn)
        .await
        .map(|_| ())
}

#[derive(QueryableByName)]
struct AnyRow {
    #[diesel(sql_type = Bool)]
    any: bool,
}

/// Whether any taint waits for an answer.
pub(crate) async fn is_any_asked(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let row: AnyRow = sql_query("SELECT EXISTS (SELECT FROM asked_taints) AS any").get_result(conn).await?;
    Ok(row.any)
}

#[derive(QueryableByName)]
struct AskedRow {
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    artifact_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    cascade_id: Option<String>,
    #[diesel(sql_type = Bool)]
    propagates: bool,
}

/// The unanswered taints of any of these artifacts, whole.
pub(crate) async fn list_asked(
    conn: &mut AsyncPgConnection,
    artifacts: &[ArtifactId],
) -> QueryResult<BTreeMap<EventId, Asked>> {
    let rows: Vec<AskedRow> = sql_query(
        "SELECT event_id, artifact_id, cascade_id, propagates FROM asked_taints WHERE event_id IN (
            SELECT event_id FROM asked_taints WHERE artifact_id = ANY ($1))",
    )
    .bind::<Array<Text>, _>(artifacts.iter().map(ArtifactId::as_str).collect::<Vec<_>>())
    .load(conn)
    .await?;
    let mut asked: BTreeMap<EventId, Asked> = BTreeMap::new();
    for row in rows {
        let entry = asked.entry(EventId(row.event_id)).or_default();
        entry.artifacts.insert(row.artifact_id);
        (entry.cascade_id, entry.propagates) = (row.cascade_id, row.propagates);
    }
    Ok(asked)
}

/// Forgets up to `limit` artifacts that are not tainted and of which nothing was heard since `before`; how many.
pub(crate) async fn delete_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    sql_query(
        "DELETE FROM artifact_standings WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM artifact_standings WHERE NOT is_tainted AND heard_at < $1
            ORDER BY heard_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

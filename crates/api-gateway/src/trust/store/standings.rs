//! SQL of how artifacts stand, and of taints that the provenance-store has not answered yet.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::ArtifactStanding;
use protocol::provenance_query::MarkTargetView;
use protocol::{ArtifactId, EventId, ProvenanceId};
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
    /// The artifacts, with whether the version that is meant is the newest.
    pub(crate) artifacts: BTreeMap<String, bool>,
    /// The record whose versions are meant; none where only names were given.
    pub(crate) provenance_id: Option<ProvenanceId>,
    /// The cascade, where it was named.
    pub(crate) cascade_id: Option<String>,
    /// Whether what is built on them becomes suspect.
    pub(crate) propagates: bool,
}

impl Asked {
    /// Of these versions.
    pub(crate) fn of(target: &MarkTargetView, cascade_id: &str, propagates: bool) -> Self {
        let named = target.artifact_ids.iter();
        let artifacts = named.map(|name| (name.to_string(), target.newest.contains(name))).collect();
        let cascade_id = Some(cascade_id.to_owned());
        Self { artifacts, provenance_id: target.provenance_id, cascade_id, propagates }
    }

    /// Whether it says this of the target, and nothing of anything else: of the record, or of nothing but its newest
    /// versions.
    pub(crate) fn is_about(&self, target: &MarkTargetView) -> bool {
        match self.provenance_id {
            Some(record) => target.provenance_id == Some(record),
            None => {
                self.artifacts.keys().all(|name| target.newest.iter().any(|newest| newest.as_str() == name))
            }
        }
    }
}

/// Remembers what the event says until it is answered, or until nobody expects that any longer.
pub(crate) async fn insert_asked(
    conn: &mut AsyncPgConnection,
    event: EventId,
    asked: &Asked,
    given_up_at: DateTime<Utc>,
) -> QueryResult<()> {
    let (mut names, mut holds): (Vec<&str>, Vec<bool>) =
        asked.artifacts.iter().map(|(name, holds)| (name.as_str(), *holds)).unzip();
    if names.is_empty() {
        (names, holds) = (vec![""], vec![false]);
    }
    sql_query(
        "INSERT INTO asked_taints
            (event_id, artifact_id, holds, provenance_id, cascade_id, propagates, given_up_at)
         SELECT $3, name, holds, $4, $5, $6, $7 FROM UNNEST($1, $2) AS told (name, holds)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Bool>, _>(holds)
    .bind::<SqlUuid, _>(event.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(asked.provenance_id.map(ProvenanceId::as_uuid))
    .bind::<Nullable<Text>, _>(asked.cascade_id.as_deref())
    .bind::<Bool, _>(asked.propagates)
    .bind::<Timestamptz, _>(given_up_at)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Lets nobody else ask about the same before the end of the transaction.
pub(crate) async fn lock_asking(conn: &mut AsyncPgConnection, target: &MarkTargetView) -> QueryResult<()> {
    let record = target.provenance_id.map(|id| id.to_string());
    let name = || target.artifact_ids.as_slice().first().map(ToString::to_string);
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(record.or_else(name).unwrap_or_default())
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
    #[diesel(sql_type = Bool)]
    holds: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    provenance_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    cascade_id: Option<String>,
    #[diesel(sql_type = Bool)]
    propagates: bool,
}

/// The unanswered taints of the target, and of nothing else.
pub(crate) async fn list_asked(
    conn: &mut AsyncPgConnection,
    target: &MarkTargetView,
) -> QueryResult<BTreeMap<EventId, Asked>> {
    let rows: Vec<AskedRow> = sql_query(
        "SELECT event_id, artifact_id, holds, provenance_id, cascade_id, propagates FROM asked_taints
         WHERE provenance_id = $1 OR event_id IN (
            SELECT event_id FROM asked_taints WHERE provenance_id IS NULL AND artifact_id = ANY ($2))",
    )
    .bind::<Nullable<SqlUuid>, _>(target.provenance_id.map(ProvenanceId::as_uuid))
    .bind::<Array<Text>, _>(target.newest.iter().map(ArtifactId::as_str).collect::<Vec<_>>())
    .load(conn)
    .await?;
    let mut asked: BTreeMap<EventId, Asked> = BTreeMap::new();
    for row in rows {
        let entry = asked.entry(EventId(row.event_id)).or_default();
        if !row.artifact_id.is_empty() {
            entry.artifacts.insert(row.artifact_id, row.holds);
        }
        entry.provenance_id = row.provenance_id.map(ProvenanceId);
        (entry.cascade_id, entry.propagates) = (row.cascade_id, row.propagates);
    }
    asked.retain(|_, asked| asked.is_about(target));
    Ok(asked)
}

/// Gives up waiting for up to `limit` answers that should be there by now; the events, with what they named.
pub(crate) async fn give_up(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<(EventId, String)>> {
    let rows: Vec<GivenUpRow> = sql_query(
        "DELETE FROM asked_taints WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM asked_taints WHERE given_up_at < $1 ORDER BY given_up_at LIMIT $2
            FOR UPDATE SKIP LOCKED))
         RETURNING event_id, artifact_id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (EventId(row.event_id), row.artifact_id)).collect())
}

#[derive(QueryableByName)]
struct GivenUpRow {
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    artifact_id: String,
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

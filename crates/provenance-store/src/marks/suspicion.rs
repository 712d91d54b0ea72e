//! Somebody outside suspects an artifact without saying that it is wrong. It spreads like any suspicion.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, BigInt};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use messaging::OutboxEntry;
use protocol::EventId;
use protocol::events::ArtifactSuspect;

use super::MarkRules;
use super::announcement::{Cause, suspects};
use super::refresh::refresh;
use super::store::{NewMark, list_marked_records, list_marks, next_wave, put_marks};
use super::target::find_named;
use crate::statement::statement;

statement!(
    /// The records that used these versions.
    struct ListUsers { nodes: Vec<i64> as Array<BigInt> }
    "SELECT DISTINCT made.producer_seq AS seq FROM artifact_dependencies edge
     JOIN artifacts made ON made.id = edge.output_id WHERE edge.input_id = ANY ($1)"
);

#[derive(QueryableByName)]
struct User {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// The places in the record order of the records that used these versions.
pub(super) async fn list_users(conn: &mut AsyncPgConnection, nodes: Vec<i64>) -> QueryResult<Vec<i64>> {
    let users: Vec<User> = ListUsers { nodes }.load(conn).await?;
    Ok(users.into_iter().map(|user| user.seq).collect())
}

/// Marks what the event names, unless it is suspect or tainted already. `None` if it names a record that is not known.
///
/// # Errors
/// The database's.
pub async fn suspect(
    conn: &mut AsyncPgConnection,
    told: &ArtifactSuspect,
    cause: &Cause<'_>,
    rules: MarkRules,
) -> QueryResult<Option<Vec<OutboxEntry>>> {
    let names: Vec<_> = told.artifacts().into_iter().cloned().collect();
    let Some(named) = find_named(conn, &names, told.provenance_id).await? else { return Ok(None) };
    let marks = list_marks(conn, named.versions.iter().map(|version| version.id).collect()).await?;
    let producers: BTreeSet<i64> = named.versions.iter().filter_map(|version| version.producer_seq).collect();
    let records = list_marked_records(conn, &producers.into_iter().collect::<Vec<_>>()).await?;
    let is_good = |seq: i64| {
        let record = records.iter().find(|record| record.seq == seq);
        record.is_some_and(|record| !record.is_tainted && !record.is_suspect)
    };
    let fresh = named.versions.iter().filter(|version| !marks.contains_key(&version.id));
    let (made, loose): (Vec<_>, Vec<_>) = fresh
        .filter(|version| version.producer_seq.is_none_or(is_good))
        .partition(|version| version.producer_seq.is_some());
    let nodes: Vec<i64> = made.iter().chain(&loose).map(|version| version.id).collect();
    let depth = told.depth.unwrap_or_default();
    // Beyond the limit it would reach nothing.
    if nodes.is_empty() || !rules.reaches(depth) {
        return Ok(Some(Vec::new()));
    }
    let cascade_id = told.cascade_id.clone().unwrap_or_else(|| EventId::generate().to_string());
    let mark = NewMark {
        is_taint: false,
        wave: next_wave(conn).await?,
        after_seq: 0,
        depth,
        cascade_id: &cascade_id,
        reason: cause.reason,
        source_id: told.source_id.as_ref().map(AsRef::as_ref),
        at: cause.now,
    };
    put_marks(conn, nodes, &mark).await?;
    let mut touched: Vec<i64> = made.iter().filter_map(|version| version.producer_seq).collect();
    touched.extend(list_users(conn, loose.iter().map(|version| version.id).collect()).await?);
    let mut suspected = refresh(conn, &touched, cause, rules).await?.suspected;
    // Whoever told knows of these.
    suspected.retain(|one| !names.iter().any(|name| Some(name.as_str()) == one.artifact_id.as_deref()));
    suspects(cause, &suspected).map(Some)
}

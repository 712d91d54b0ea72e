//! Writing records so that what they say now is linked to the chains of their projects. Nobody writes them otherwise.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SubsecRound, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::digest::revision_digest;
use super::rows::RecordRow;
use super::store::{self, Place};
use crate::integrity::store::Chains;
use crate::integrity::{Cause, Link};

/// A record that says something else than before, and why.
pub(crate) struct ChangedRecord {
    pub(crate) row: RecordRow,
    pub(crate) cause: Cause,
    /// When it was written first, where that is told and not now. Whoever tells it also writes it.
    pub(crate) created_at: Option<DateTime<Utc>>,
}

/// Writes records, new or changed; gives their places in the record order.
pub(crate) async fn save_and_chain(
    conn: &mut AsyncPgConnection,
    changed: Vec<ChangedRecord>,
    now: DateTime<Utc>,
) -> QueryResult<HashMap<Uuid, Place>> {
    let project = |record: &ChangedRecord| record.row.project_id.clone().unwrap_or_default();
    let projects: BTreeSet<String> = changed.iter().map(project).collect();
    let mut chains = Chains::load(conn, projects.iter().map(String::as_str)).await?;
    let positions: Vec<i64> = changed.iter().map(|record| chains.reserve(&project(record))).collect();
    let rows = changed.iter().map(|record| record.row.clone()).zip(positions);
    let places = store::save_records(conn, rows).await?;
    let mut links = Vec::with_capacity(changed.len());
    for record in &changed {
        let Some(&place) = places.get(&record.row.provenance_id) else { continue };
        let created_at = record.created_at.unwrap_or(place.created_at);
        let link = Link {
            record_seq: place.seq,
            provenance_id: record.row.provenance_id,
            cause: record.cause.as_str().to_owned(),
            verdict: record.row.verdict.clone(),
            // The database keeps microseconds.
            revised_at: now.trunc_subsecs(6),
            digest: revision_digest(&record.row, Place { created_at, ..place })
                .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?,
        };
        links.push((project(record), link));
    }
    chains.extend(conn, links).await?;
    Ok(places)
}

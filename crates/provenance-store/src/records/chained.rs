//! Writing records so that what they say now is linked to the chains of their projects. Nobody writes them otherwise.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SubsecRound, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::digest::revision_digest;
use super::rows::RecordRow;
use super::store::{self, Place};
use crate::integrity::store::{Chains, NewLinks};
use crate::integrity::{Cause, Link};

/// A record that says something else than before, and why.
pub(crate) struct ChangedRecord {
    pub(crate) row: RecordRow,
    pub(crate) cause: Cause,
    /// How it begins, if it is new.
    pub(crate) beginning: Beginning,
}

/// What a record begins with; the usual for one that is told of by events.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beginning {
    /// When it was written first, where that is told and not now.
    pub(crate) created_at: Option<DateTime<Utc>>,
    /// Waves up to this number do not get through it.
    pub(crate) cleared_wave: i64,
}

impl ChangedRecord {
    /// Whose chain it belongs to; empty while that is not known.
    fn project(&self) -> &str {
        self.row.project_id.as_deref().unwrap_or_default()
    }
}

/// The chains that these records belong to.
pub(crate) async fn load_chains(conn: &AsyncPgConnection, changed: &[ChangedRecord]) -> QueryResult<Chains> {
    let projects: BTreeSet<&str> = changed.iter().map(ChangedRecord::project).collect();
    Chains::load(conn, projects).await
}

/// Records that were written, and the links that belong to them and are not.
pub(crate) struct Written {
    /// Where the records lie.
    pub(crate) places: HashMap<Uuid, Place>,
    pub(crate) links: NewLinks,
}

/// Writes records, new or changed. Whoever calls it saves the links in the same transaction.
pub(crate) async fn write_records(
    conn: &mut AsyncPgConnection,
    mut chains: Chains,
    changed: Vec<ChangedRecord>,
    now: DateTime<Utc>,
) -> QueryResult<Written> {
    let positions: Vec<i64> = changed.iter().map(|record| chains.reserve(record.project())).collect();
    let places = store::save_records(conn, changed.iter().zip(positions)).await?;
    let mut links = Vec::with_capacity(changed.len());
    for record in &changed {
        let Some(&place) = places.get(&record.row.provenance_id) else { continue };
        let link = Link {
            record_seq: place.seq,
            provenance_id: record.row.provenance_id,
            cause: record.cause.as_str().to_owned(),
            verdict: record.row.verdict.clone(),
            // The database keeps microseconds.
            revised_at: now.trunc_subsecs(6),
            digest: revision_digest(&record.row, place)
                .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?,
        };
        links.push((record.project().to_owned(), link));
    }
    Ok(Written { places, links: chains.link(links) })
}

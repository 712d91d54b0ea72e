//! Records read back as they lie in the database, to be compared with what was written.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::attempt::AttemptKey;
use super::digest::{content_digest, revision_digest};
use super::projection::Marks;
use super::rows::RecordRow;
use super::store::Place;
use crate::artifacts;
use crate::artifacts::Outputs;
use crate::integrity::Hash;
use crate::schema::provenance_records as records;

/// A record as it lies in the database.
#[derive(Debug)]
pub(crate) struct WrittenRecord {
    pub(crate) provenance_id: Uuid,
    /// Empty while it is not known.
    pub(crate) project_id: String,
    /// Place of its latest revision in its project's chain.
    pub(crate) chain_position: Option<i64>,
    /// Fingerprint of what it says now; none if it says nothing that can be read.
    pub(crate) digest: Option<Hash>,
    /// Whether its outputs and everything else that was reported are what its content digest says.
    pub(crate) has_its_content: bool,
}

type FoundRow = (i64, DateTime<Utc>, Option<i64>, RecordRow);

/// The records at these places of the record order, as far as there are any.
pub(crate) async fn list_written(
    conn: &mut AsyncPgConnection,
    seqs: &[i64],
) -> QueryResult<HashMap<i64, WrittenRecord>> {
    let found: Vec<FoundRow> = records::table
        .filter(records::seq.eq_any(seqs))
        .select((records::seq, records::created_at, records::chain_position, RecordRow::as_select()))
        .load(conn)
        .await?;
    let mut outputs = artifacts::store::list_outputs(conn, seqs).await?;
    let written = found.into_iter().map(|(seq, created_at, chain_position, row)| {
        let outputs = outputs.remove(&seq).unwrap_or_default();
        let written = WrittenRecord {
            provenance_id: row.provenance_id,
            project_id: row.project_id.clone().unwrap_or_default(),
            chain_position,
            digest: revision_digest(&row, Place { seq, created_at }).ok(),
            has_its_content: content_of(&row, outputs).is_some_and(|digest| row.content_digest == digest),
        };
        (seq, written)
    });
    Ok(written.collect())
}

/// The content digest computed anew; none where the row holds nothing that this service writes.
fn content_of(row: &RecordRow, outputs: Outputs) -> Option<Hash> {
    let attempt = u32::try_from(row.attempt).ok()?;
    let key = AttemptKey { task_id: row.task_id.into(), attempt };
    let record = row.record(Marks::default(), outputs).ok()?;
    content_digest(key, &record.reported).ok()
}

//! Whether files are still kept as they were imported. Of a record's file, what it reports and how it was judged is
//! compared with the record, which the chain vouches for; everything else in it with the digest that was kept beside it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::EventId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::checkpoint_file::FileCheckpoint;
use super::event_file::digest_of;
use super::record_file::FileRecord;
use crate::records::digest::{canonical_value, content_digest};
use crate::records::{AttemptKey, Verdict};
use crate::statement::statement;

statement!(
    struct ListRecordFiles { seqs: Vec<i64> as Array<BigInt> }
    "SELECT record.seq, file.file_id, file.body, file.digest, file.content_digest AS imported_digest,
        record.content_digest, record.created_at, record.verification
     FROM imported_files file JOIN provenance_records record ON record.seq = file.record_seq
     WHERE file.record_seq = ANY ($1)"
);

#[derive(QueryableByName)]
struct RecordFile {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    file_id: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    imported_digest: Option<Vec<u8>>,
    #[diesel(sql_type = Binary)]
    content_digest: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    verification: Option<Value>,
}

/// Those of the records whose files are not kept as they were.
pub(crate) async fn list_altered_records(
    conn: &mut AsyncPgConnection,
    seqs: Vec<i64>,
) -> QueryResult<HashSet<i64>> {
    let files: Vec<RecordFile> = ListRecordFiles { seqs }.load(conn).await?;
    let altered = files.iter().filter(|file| !file.is_as_it_came());
    Ok(altered.map(|file| file.seq).collect())
}

impl RecordFile {
    fn is_as_it_came(&self) -> bool {
        // A record without an id in its file is known by the file's name.
        let name = format!("{}.json", self.file_id);
        let Ok(told) = FileRecord::read(&name, &self.body, self.created_at.into()) else { return false };
        told.digest == self.digest.as_slice()
            && self.reports(&told)
            && self.judges(told.provenance_id, told.verdict.as_ref())
    }

    /// Whether the file reports what the record says, unless events have told more since.
    fn reports(&self, told: &FileRecord) -> bool {
        if self.imported_digest.as_ref() != Some(&self.content_digest) {
            return true;
        }
        let key = AttemptKey { task_id: told.task_id.into(), attempt: told.attempt };
        content_digest(key, &told.reported).is_ok_and(|digest| digest == self.content_digest.as_slice())
    }

    /// Whether the file judges as the record says, unless somebody else has judged since.
    fn judges(&self, provenance_id: Uuid, verdict: Option<&Verdict>) -> bool {
        let Some(known) = &self.verification else { return verdict.is_none() };
        let import = EventId::derived(EventId(provenance_id), "import");
        if known.get("event_id") != Some(&json!(EventId::derived(import, "verdict"))) {
            return true;
        }
        let told = verdict.and_then(|verdict| serde_json::to_value(verdict).ok());
        told.is_some_and(|told| canonical_value(&told).ok() == canonical_value(known).ok())
    }
}

statement!(
    /// Files of marks and of checkpoints, in the order of their import.
    struct ListFiles { project_id: String as Text, after: i64 as BigInt, limit: i64 as BigInt }
    "SELECT position, kind, file_id, body, digest FROM imported_files
     WHERE project_id = $1 AND kind IN ('taint_event', 'checkpoint') AND position > $2 ORDER BY position LIMIT $3"
);

/// A file that became no record.
#[derive(Debug, QueryableByName)]
pub(crate) struct KeptFile {
    /// Its place in the order of import.
    #[diesel(sql_type = BigInt)]
    pub(crate) position: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    /// The id in it.
    #[diesel(sql_type = Text)]
    pub(crate) file_id: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

/// The files of a project that became no records, behind that place.
pub(crate) async fn list_files(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<KeptFile>> {
    ListFiles { project_id: project_id.to_owned(), after, limit }.load(conn).await
}

/// Whether the project has files that became no records.
pub(crate) async fn has_files(conn: &mut AsyncPgConnection, project_id: &str) -> QueryResult<bool> {
    Ok(!list_files(conn, project_id, 0, 1).await?.is_empty())
}

impl KeptFile {
    /// Whether its digest is the one that was kept. Whether a checkpoint is still valid is no part of that.
    pub(crate) fn is_as_it_came(&self) -> bool {
        let digest = match serde_json::from_str(&self.body) {
            Ok(Value::Object(checkpoint)) if self.kind == "checkpoint" => {
                FileCheckpoint::lasting_digest(&checkpoint)
            }
            Ok(body) => digest_of(&body),
            Err(_) => return false,
        };
        digest.is_ok_and(|digest| digest == self.digest.as_slice())
    }

    /// What it is, in words.
    pub(crate) fn what(&self) -> &'static str {
        if self.kind == "checkpoint" { "checkpoint" } else { "event about marks" }
    }
}

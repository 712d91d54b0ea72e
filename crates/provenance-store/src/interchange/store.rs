//! SQL of imports: what lies here already, what is new, and the marks that files bring with them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::event_file::FileTaintEvent;
use super::{file_names, naming};
use crate::integrity::seals;
use crate::statement::statement;

statement!(
    /// The records of these ids that are here already, however they came.
    struct FindKnown { provenance_id: Vec<Uuid> as Array<SqlUuid> }
    "SELECT record.seq, record.provenance_id, record.is_tainted, record.is_suspect, record.project_id, record.verdict,
        file.file_id, file.digest, file.import_id, file.import_line
     FROM provenance_records record
     LEFT JOIN imported_files file ON file.record_seq = record.seq
     WHERE record.provenance_id = ANY ($1)"
);

/// A record that is here already.
#[derive(Debug, QueryableByName)]
pub(super) struct Known {
    #[diesel(sql_type = BigInt)]
    pub(super) seq: i64,
    #[diesel(sql_type = SqlUuid)]
    pub(super) provenance_id: Uuid,
    #[diesel(sql_type = Bool)]
    pub(super) is_tainted: bool,
    #[diesel(sql_type = Bool)]
    pub(super) is_suspect: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) project_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub(super) verdict: String,
    /// The id in its file, if it was imported.
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) file_id: Option<String>,
    /// The digest of its file, if it was imported.
    #[diesel(sql_type = Nullable<Binary>)]
    pub(super) digest: Option<Vec<u8>>,
    #[diesel(embed)]
    pub(super) by: BroughtBy,
}

/// The line that brought something: of which import, and which of its lines. Neither is known of what came before these
/// were kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub(super) struct BroughtBy {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) import_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) import_line: Option<i64>,
}

/// The records of these ids that are here already.
pub(super) async fn list_known(conn: &mut AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<Vec<Known>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    FindKnown { provenance_id: ids }.load(conn).await
}

statement!(
    /// Digests of what was imported of that kind under these ids.
    struct FindDigests { kind: String as Text, file_id: Vec<String> as Array<Text> }
    "SELECT file_id, digest, import_id, import_line FROM imported_files WHERE kind = $1 AND file_id = ANY ($2)"
);

/// What was imported under an id.
#[derive(Debug, QueryableByName)]
pub(super) struct Imported {
    #[diesel(sql_type = Text)]
    pub(super) file_id: String,
    #[diesel(sql_type = Binary)]
    pub(super) digest: Vec<u8>,
    #[diesel(embed)]
    pub(super) by: BroughtBy,
}

/// Digests of what was imported of that kind under these ids.
pub(super) async fn list_digests(
    conn: &mut AsyncPgConnection,
    kind: &str,
    ids: Vec<String>,
) -> QueryResult<Vec<Imported>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    FindDigests { kind: kind.to_owned(), file_id: ids }.load(conn).await
}

statement!(
    /// Which of these checkpoints can be returned to.
    struct FindValidity { checkpoint_id: Vec<Uuid> as Array<SqlUuid> }
    "SELECT checkpoint_id, is_valid FROM checkpoints WHERE checkpoint_id = ANY ($1)"
);

#[derive(Debug, QueryableByName)]
struct Validity {
    #[diesel(sql_type = SqlUuid)]
    checkpoint_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_valid: bool,
}

/// Whether the checkpoints that are here can be returned to.
pub(super) async fn list_validity(
    conn: &mut AsyncPgConnection,
    ids: Vec<Uuid>,
) -> QueryResult<HashMap<Uuid, bool>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<Validity> = FindValidity { checkpoint_id: ids }.load(conn).await?;
    Ok(found.into_iter().map(|found| (found.checkpoint_id, found.is_valid)).collect())
}

statement!(
    /// Puts the marks that files tell on new records.
    struct MarkRecords {
        seq: Vec<i64> as Array<BigInt>,
        is_tainted: Vec<bool> as Array<Bool>,
        tainted_at: Vec<Option<DateTime<Utc>>> as Array<Nullable<Timestamptz>>,
        tainted_reason: Vec<Option<String>> as Array<Nullable<Text>>,
        tainted_by: Vec<Option<String>> as Array<Nullable<Text>>,
        is_suspect: Vec<bool> as Array<Bool>,
        suspect_since: Vec<Option<DateTime<Utc>>> as Array<Nullable<Timestamptz>>,
        suspect_source: Vec<Option<String>> as Array<Nullable<Text>>,
    }
    "UPDATE provenance_records record SET
        is_tainted = told.is_tainted, tainted_at = told.tainted_at,
        tainted_reason = told.tainted_reason, tainted_by = told.tainted_by, is_suspect = told.is_suspect,
        suspect_since = told.suspect_since, suspect_source = told.suspect_source
     FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8) AS told (
        seq, is_tainted, tainted_at, tainted_reason, tainted_by, is_suspect, suspect_since,
        suspect_source)
     WHERE record.seq = told.seq"
);

/// Puts the marks that files tell on new records.
pub(super) async fn mark_records(
    conn: &mut AsyncPgConnection,
    records: impl Iterator<Item = (i64, super::trust::FileMarks)>,
) -> QueryResult<()> {
    let mut mark = MarkRecords::default();
    for (seq, marks) in records {
        mark.seq.push(seq);
        mark.is_tainted.push(marks.is_tainted);
        mark.tainted_at.push(marks.tainted_at.map(|time| time.to_utc()));
        mark.tainted_reason.push(marks.tainted_reason);
        mark.tainted_by.push(marks.tainted_by);
        mark.is_suspect.push(marks.is_suspect);
        mark.suspect_since.push(marks.suspect_since.map(|time| time.to_utc()));
        mark.suspect_source.push(marks.suspect_source);
    }
    if !mark.seq.is_empty() {
        mark.execute(conn).await?;
    }
    Ok(())
}

statement!(
    /// Suspicion comes from the outputs of records that files tell to be tainted, like from any that was marked here.
    struct PutMarks { seq: Vec<i64> as Array<BigInt> }
    "INSERT INTO artifact_marks (node_id, kind, wave, cascade_id, reason, source_id, marked_at)
     SELECT node.id, 'tainted', 1, 'import', COALESCE(record.tainted_reason, ''),
        COALESCE(record.tainted_by, record.suspect_source),
        COALESCE(record.tainted_at, record.suspect_since, record.created_at)
     FROM provenance_records record JOIN artifacts node ON node.producer_seq = record.seq
     WHERE record.seq = ANY ($1) AND record.is_tainted
     ON CONFLICT (node_id) DO UPDATE SET kind = 'tainted' WHERE artifact_marks.kind = 'suspect'"
);

statement!(
    /// How these records were marked when they came.
    struct AccountMarks { seq: Vec<i64> as Array<BigInt> }
    "INSERT INTO taint_events (at, action, record_seq, project_id, source_artifact_id, reason, origin)
     SELECT COALESCE(tainted_at, suspect_since, created_at), CASE WHEN is_tainted THEN 'taint' ELSE 'suspect' END,
        seq, COALESCE(project_id, ''), suspect_source, COALESCE(tainted_reason, ''), 'import'
     FROM provenance_records WHERE seq = ANY ($1) AND (is_tainted OR is_suspect) ORDER BY seq"
);

/// Accounts for the marks of these records of those projects, and lets suspicion come from those that are tainted. Where
/// that of the others comes from is found out by [`crate::marks::follow_imported`].
pub(super) async fn put_marks(
    conn: &mut AsyncPgConnection,
    marked: Vec<i64>,
    projects: BTreeSet<String>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if !marked.is_empty() {
        PutMarks { seq: marked.clone() }.execute(conn).await?;
        AccountMarks { seq: marked }.execute(conn).await?;
        seals::seal(conn, projects, now).await?;
    }
    Ok(())
}

statement!(
    /// Adds events to the account of marks, and lets marks know the cascade they belong to.
    struct AccountEvents {
        record_id: Vec<Uuid> as Array<SqlUuid>,
        at: Vec<DateTime<Utc>> as Array<Timestamptz>,
        action: Vec<String> as Array<Text>,
        artifact_id: Vec<Option<String>> as Array<Nullable<Text>>,
        cascade_id: Vec<Option<String>> as Array<Nullable<Text>>,
        depth: Vec<i32> as Array<Integer>,
        source_artifact_id: Vec<Option<String>> as Array<Nullable<Text>>,
        reason: Vec<String> as Array<Text>,
    }
    "WITH told AS (
        SELECT told.*, record.seq AS record_seq, COALESCE(record.project_id, '') AS project_id
        FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY AS told (
            record_id, at, action, artifact_id, cascade_id, depth, source_artifact_id, reason, place)
        JOIN provenance_records record ON record.provenance_id = told.record_id
     ), accounted AS (
        INSERT INTO taint_events (
            at, action, artifact_id, record_seq, project_id, cascade_id, depth, source_artifact_id, reason, origin)
        SELECT at, action, artifact_id, record_seq, project_id, cascade_id, depth, source_artifact_id, reason, 'file'
        FROM told
        ORDER BY place
     ), cascade AS (
        SELECT DISTINCT ON (record_seq) record_seq, cascade_id FROM told
        WHERE action <> 'clear' AND cascade_id IS NOT NULL ORDER BY record_seq, place DESC
     ), marked AS (
        UPDATE artifact_marks mark SET cascade_id = cascade.cascade_id
        FROM cascade JOIN artifacts node ON node.producer_seq = cascade.record_seq
        WHERE mark.node_id = node.id AND mark.wave = 1
     )
     UPDATE provenance_records record SET cascade_id = cascade.cascade_id
     FROM cascade WHERE record.seq = cascade.record_seq AND record.cascade_id IS NULL
        AND (record.is_tainted OR record.is_suspect)"
);

/// Adds events to the account of marks.
pub(super) async fn account_events<'a>(
    conn: &mut AsyncPgConnection,
    events: impl Iterator<Item = &'a FileTaintEvent>,
) -> QueryResult<()> {
    let mut account = AccountEvents::default();
    for event in events {
        account.record_id.push(naming::record_uuid(&event.record));
        account.at.push(event.at.to_utc());
        account.action.push(event.action.to_owned());
        account.artifact_id.push(event.artifact_id.clone());
        account.cascade_id.push(event.cascade_id.clone());
        account.depth.push(event.depth);
        account.source_artifact_id.push(event.source.clone());
        account.reason.push(event.reason.clone());
    }
    if !account.at.is_empty() {
        account.execute(conn).await?;
    }
    Ok(())
}

/// A file to be kept as it stood.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) kind: &'static str,
    pub(super) file_id: String,
    pub(super) file: String,
    /// Takes the place of `file` where another record has that name already; with a number where that is taken too.
    pub(super) spare_name: String,
    pub(super) project_id: String,
    pub(super) record_seq: Option<i64>,
    pub(super) body: String,
    pub(super) digest: [u8; 32],
    pub(super) content_digest: Option<Vec<u8>>,
    pub(super) by: BroughtBy,
}

statement!(
    /// Keeps files as they stood, in this order.
    struct KeepFiles {
        kind: Vec<String> as Array<Text>,
        file_id: Vec<String> as Array<Text>,
        file: Vec<String> as Array<Text>,
        project_id: Vec<String> as Array<Text>,
        record_seq: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        body: Vec<String> as Array<Text>,
        digest: Vec<Vec<u8>> as Array<Binary>,
        content_digest: Vec<Option<Vec<u8>>> as Array<Nullable<Binary>>,
        import_id: Vec<Option<Uuid>> as Array<Nullable<SqlUuid>>,
        import_line: Vec<Option<i64>> as Array<Nullable<BigInt>>,
    }
    "INSERT INTO imported_files (
        kind, file_id, file, project_id, record_seq, body, digest, content_digest, import_id, import_line)
     SELECT kind, file_id, file, project_id, record_seq, body, digest, content_digest, import_id, import_line
     FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY AS told (
        kind, file_id, file, project_id, record_seq, body, digest, content_digest, import_id, import_line, place)
     ORDER BY place"
);

/// Keeps files as they stood, in this order.
pub(super) async fn keep_files(conn: &mut AsyncPgConnection, mut files: Vec<NewFile>) -> QueryResult<()> {
    file_names::give_names(conn, &mut files).await?;
    let mut keep = KeepFiles::default();
    for file in files {
        keep.kind.push(file.kind.to_owned());
        keep.file_id.push(file.file_id);
        keep.file.push(file.file);
        keep.project_id.push(file.project_id);
        keep.record_seq.push(file.record_seq);
        keep.body.push(file.body);
        keep.digest.push(file.digest.to_vec());
        keep.content_digest.push(file.content_digest);
        keep.import_id.push(file.by.import_id);
        keep.import_line.push(file.by.import_line);
    }
    if !keep.kind.is_empty() {
        keep.execute(conn).await?;
    }
    Ok(())
}

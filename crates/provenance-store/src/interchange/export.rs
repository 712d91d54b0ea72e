//! A project's export: its records in their order, then its checkpoints, then its taint events, of both those that came
//! from files before those that were made here; page by page, so that no project is too large.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use protocol::provenance_query::{ExportCursor, ExportKind, ExportedPage};
use serde_json::Value;

use super::checkpoint_file::FileCheckpoint;
use super::{made_here, native, settled};
use crate::statement::statement;

/// Most lines of a page.
const PAGE_LINES: i64 = 500;
/// Bytes of files after which a page is full; it has at least one line.
const PAGE_BYTES: i64 = 1024 * 1024;

statement!(
    /// A project's next records.
    struct NextRecords {
        project_id: String as Text,
        after: i64 as BigInt,
        lines: i64 as BigInt,
        bytes: i64 as BigInt,
    }
    "WITH candidate AS (
        SELECT seq FROM provenance_records WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
     ), measured AS (
        SELECT candidate.seq, row_number() OVER in_order AS place,
            sum(COALESCE(octet_length(file.body), 4000)) OVER in_order AS bytes
        FROM candidate LEFT JOIN imported_files file ON file.record_seq = candidate.seq
        WINDOW in_order AS (ORDER BY candidate.seq)
     )
     SELECT seq AS position FROM measured WHERE place = 1 OR bytes <= $4 ORDER BY seq"
);

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

statement!(
    /// A project's next taint events or checkpoints that came from files.
    struct NextFiles {
        project_id: String as Text,
        kind: String as Text,
        after: i64 as BigInt,
        lines: i64 as BigInt,
        bytes: i64 as BigInt,
    }
    "WITH candidate AS (
        SELECT position, kind, file, body, file_id FROM imported_files
        WHERE project_id = $1 AND kind = $2 AND position > $3 ORDER BY position LIMIT $4
     ), measured AS (
        SELECT candidate.*, row_number() OVER in_order AS place,
            sum(octet_length(body)) OVER in_order AS bytes
        FROM candidate WINDOW in_order AS (ORDER BY position)
     )
     SELECT measured.position, file, body, measured.file_id, checkpoint.is_valid
     FROM measured LEFT JOIN checkpoints checkpoint
        ON measured.kind = 'checkpoint' AND checkpoint.file_id = measured.file_id
     WHERE place = 1 OR bytes <= $5 ORDER BY measured.position"
);

#[derive(QueryableByName)]
struct FileRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    file: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Text)]
    file_id: String,
    /// Of a checkpoint: whether it can still be returned to.
    #[diesel(sql_type = Nullable<Bool>)]
    is_valid: Option<bool>,
}

/// The page after `after`, or the first.
///
/// # Errors
/// The database's.
pub async fn export_page(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
    after: Option<ExportCursor>,
) -> QueryResult<ExportedPage> {
    let beginning = ExportCursor { kind: ExportKind::Record, position: 0, made_here: false };
    let cursor = after.unwrap_or(beginning);
    let (lines, last) = match (cursor.kind, cursor.made_here) {
        (ExportKind::Record, _) => export_records(conn, project, cursor.position).await?,
        (kind, false) => export_files(conn, project, kind, cursor.position).await?,
        (kind, true) => export_made_here(conn, project, kind, cursor.position).await?,
    };
    let next = match last {
        Some(position) => Some(ExportCursor { position, ..cursor }),
        None => following(cursor),
    };
    Ok(ExportedPage { lines, next })
}

const fn following(cursor: ExportCursor) -> Option<ExportCursor> {
    let (kind, made_here) = match (cursor.kind, cursor.made_here) {
        (ExportKind::Record, _) => (ExportKind::Checkpoint, false),
        (ExportKind::Checkpoint, true) => (ExportKind::TaintEvent, false),
        (ExportKind::TaintEvent, true) => return None,
        (kind, false) => (kind, true),
    };
    Some(ExportCursor { kind, position: 0, made_here })
}

type Lines = (Vec<String>, Option<i64>);

async fn export_records(conn: &mut AsyncPgConnection, project: &ProjectId, after: i64) -> QueryResult<Lines> {
    let next = NextRecords { project_id: project.to_string(), after, lines: PAGE_LINES, bytes: PAGE_BYTES };
    let found: Vec<Position> = next.load(conn).await?;
    let last = found.last().map(|found| found.position);
    let rows = native::list_rows(conn, found.into_iter().map(|found| found.position).collect()).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let file = row.file.clone().unwrap_or_else(|| format!("{}.json", row.provenance_id));
        lines.push(line(ExportKind::Record, &file, None, &settled::body_of(row)?));
    }
    Ok((lines, last))
}

async fn export_files(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
    kind: ExportKind,
    after: i64,
) -> QueryResult<Lines> {
    let next = NextFiles {
        project_id: project.to_string(),
        kind: kind.as_str().to_owned(),
        after,
        lines: PAGE_LINES,
        bytes: PAGE_BYTES,
    };
    let rows: Vec<FileRow> = next.load(conn).await?;
    let last = rows.last().map(|row| row.position);
    let written = |row: FileRow| {
        let body = settled::checkpoint_of(row.body, row.is_valid)?;
        let key =
            (kind == ExportKind::Checkpoint).then(|| FileCheckpoint::key_of(&body, &row.file_id)).flatten();
        Ok(line(kind, &row.file, key, &body))
    };
    Ok((rows.into_iter().map(written).collect::<QueryResult<_>>()?, last))
}

async fn export_made_here(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
    kind: ExportKind,
    after: i64,
) -> QueryResult<Lines> {
    let (file, written) = match kind {
        ExportKind::Checkpoint => {
            (made_here::CHECKPOINTS, made_here::next_checkpoints(conn, project, after, PAGE_LINES).await?)
        }
        _ => (made_here::TAINT_EVENTS, made_here::next_events(conn, project, after, PAGE_LINES).await?),
    };
    let last = written.last().map(|(position, _)| *position);
    Ok((written.iter().map(|(_, body)| line(kind, file, None, &body.to_string())).collect(), last))
}

/// A line as an import takes it. `body` is JSON without line breaks.
fn line(kind: ExportKind, file: &str, key: Option<&str>, body: &str) -> String {
    let file = Value::from(file);
    let key = key.map(|key| format!(r#""key":{},"#, Value::from(key))).unwrap_or_default();
    format!(r#"{{"kind":"{}","file":{file},{key}"body":{body}}}"#, kind.as_str())
}

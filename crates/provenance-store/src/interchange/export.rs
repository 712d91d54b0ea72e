//! A project's export: its records in their order, then its checkpoints, then its taint events; page by page, so that
//! no project is too large.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use protocol::provenance_query::{ExportCursor, ExportKind, ExportedPage};

use super::{native, settled};
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
    /// A project's next taint events or checkpoints.
    struct NextFiles {
        project_id: String as Text,
        kind: String as Text,
        after: i64 as BigInt,
        lines: i64 as BigInt,
        bytes: i64 as BigInt,
    }
    "WITH candidate AS (
        SELECT position, file, body FROM imported_files WHERE project_id = $1 AND kind = $2 AND position > $3
        ORDER BY position LIMIT $4
     ), measured AS (
        SELECT candidate.*, row_number() OVER in_order AS place,
            sum(octet_length(body)) OVER in_order AS bytes
        FROM candidate WINDOW in_order AS (ORDER BY position)
     )
     SELECT position, file, body FROM measured WHERE place = 1 OR bytes <= $5 ORDER BY position"
);

#[derive(QueryableByName)]
struct FileRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    file: String,
    #[diesel(sql_type = Text)]
    body: String,
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
    let cursor = after.unwrap_or(ExportCursor { kind: ExportKind::Record, position: 0 });
    let (lines, last) = match cursor.kind {
        ExportKind::Record => export_records(conn, project, cursor.position).await?,
        kind => export_files(conn, project, kind, cursor.position).await?,
    };
    let next = match last {
        Some(position) => Some(ExportCursor { kind: cursor.kind, position }),
        None => following(cursor.kind).map(|kind| ExportCursor { kind, position: 0 }),
    };
    Ok(ExportedPage { lines, next })
}

const fn following(kind: ExportKind) -> Option<ExportKind> {
    match kind {
        ExportKind::Record => Some(ExportKind::Checkpoint),
        ExportKind::Checkpoint => Some(ExportKind::TaintEvent),
        ExportKind::TaintEvent => None,
    }
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
        lines.push(line(ExportKind::Record, &file, &settled::body_of(row)?));
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
    Ok((rows.iter().map(|row| line(kind, &row.file, &row.body)).collect(), last))
}

/// A line as an import takes it. `body` is JSON without line breaks.
fn line(kind: ExportKind, file: &str, body: &str) -> String {
    let file = serde_json::Value::from(file);
    format!(r#"{{"kind":"{}","file":{file},"body":{body}}}"#, kind.as_str())
}

//! Takes lines of an import in: a batch, a transaction. Each line is taken whole or refused alone, and repeating a
//! batch changes nothing, so that an import that broke off is simply begun anew.

mod marked;
mod records;

use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel::result::Error;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::OutboxEntry;
use protocol::ProjectId;
use protocol::provenance_query::{ImportOutcome, ImportedLine, ImportedLines};
use service_runtime::database::StoreError;
use tracing::error;

use super::checkpoint_file::FileCheckpoint;
use super::event_file::FileTaintEvent;
use super::line::{self, Kind};
use super::members::{Repairs, Unreadable};
use super::record_file::FileRecord;
use crate::queries::Desk;
use crate::writer_lock;

/// What became of lines, and what follows.
#[derive(Debug, Default)]
pub struct Imported {
    /// What became of each line.
    pub lines: ImportedLines,
    /// Events to publish; they are in the outbox already.
    pub follow: Vec<OutboxEntry>,
}

/// A line that could be read.
enum Taken {
    Record(Box<FileRecord>),
    TaintEvent(FileTaintEvent),
    Checkpoint(FileCheckpoint),
}

/// A line and what it brings.
struct Item<T> {
    /// Its place in the batch.
    place: usize,
    file: String,
    body: String,
    content: T,
}

/// What becomes of each line of a batch.
struct Report {
    lines: Vec<Option<ImportedLine>>,
    projects: BTreeSet<ProjectId>,
    /// Events that follow, to be published.
    follow: Vec<OutboxEntry>,
}

impl Report {
    fn settle<T>(&mut self, item: &Item<T>, id: &str, outcome: ImportOutcome, reason: Option<String>) {
        let line = ImportedLine { file: Some(item.file.clone()), id: Some(id.to_owned()), outcome, reason };
        if let Some(place) = self.lines.get_mut(item.place) {
            *place = Some(line);
        }
    }

    /// A line that was taken: imported, or repaired where it had to be.
    fn taken<T>(&mut self, item: &Item<T>, id: &str, repairs: Repairs) {
        match repairs.told() {
            Some(repairs) => self.settle(item, id, ImportOutcome::Repaired, Some(repairs)),
            None => self.settle(item, id, ImportOutcome::Imported, None),
        }
    }

    fn refused<T>(&mut self, item: &Item<T>, id: &str, reason: impl Into<String>) {
        self.settle(item, id, ImportOutcome::Refused, Some(reason.into()));
    }
}

/// Takes these lines in; says for each that is not blank what became of it. A dry run changes nothing and says what
/// would have. `first_line` is the place of the first in the whole import.
///
/// # Errors
/// The database is away or has a bug of ours; nothing of the batch was changed then.
pub async fn import_lines(
    conn: &mut AsyncPgConnection,
    first_line: u64,
    lines: Vec<String>,
    dry_run: bool,
    desk: &Desk,
) -> Result<Imported, StoreError> {
    match import_batch(conn, first_line, &lines, dry_run, desk).await {
        Ok(imported) => Ok(imported),
        Err(error) => {
            let error = StoreError::from(error);
            if error.is_retryable() || lines.len() < 2 {
                return Err(error);
            }
            error!(%error, "a batch of an import could not be stored; its lines are tried one by one");
            import_one_by_one(conn, first_line, lines, dry_run, desk).await
        }
    }
}

/// One line that the database will not have must not cost the others of its batch.
async fn import_one_by_one(
    conn: &mut AsyncPgConnection,
    first_line: u64,
    lines: Vec<String>,
    dry_run: bool,
    desk: &Desk,
) -> Result<Imported, StoreError> {
    let mut all = Imported::default();
    for (number, line) in (first_line..).zip(lines) {
        let (file, _) = match line::parse(&line) {
            Ok(line) => (Some(line.file), ()),
            Err((file, _)) => (file, ()),
        };
        match import_batch(conn, number, std::slice::from_ref(&line), dry_run, desk).await {
            Ok(one) => {
                all.lines.lines.extend(one.lines.lines);
                all.lines.projects.extend(one.lines.projects);
                all.follow.extend(one.follow);
            }
            Err(error) => {
                let error = StoreError::from(error);
                if error.is_retryable() {
                    return Err(error);
                }
                error!(%error, cause = std::error::Error::source(&error), "a line could not be stored");
                let reason = Some("it could not be stored; the service's log says why".to_owned());
                all.lines.lines.push(ImportedLine {
                    file,
                    id: None,
                    outcome: ImportOutcome::Refused,
                    reason,
                });
            }
        }
    }
    Ok(all)
}

async fn import_batch(
    conn: &mut AsyncPgConnection,
    first_line: u64,
    lines: &[String],
    dry_run: bool,
    desk: &Desk,
) -> QueryResult<Imported> {
    let mut report = Report { lines: vec![None; lines.len()], projects: BTreeSet::new(), follow: Vec::new() };
    let mut found_records = Vec::new();
    let mut found_events = Vec::new();
    let mut found_checkpoints = Vec::new();
    for (place, text) in lines.iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        match read(text, desk.now) {
            Ok((file, body, taken)) => match taken {
                Taken::Record(content) => found_records.push(Item { place, file, body, content: *content }),
                Taken::TaintEvent(content) => found_events.push(Item { place, file, body, content }),
                Taken::Checkpoint(content) => found_checkpoints.push(Item { place, file, body, content }),
            },
            Err((file, reason)) => {
                let number = first_line + u64::try_from(place).unwrap_or_default();
                let reason = if file.is_some() { reason } else { format!("line {number}: {reason}") };
                let refused =
                    ImportedLine { file, id: None, outcome: ImportOutcome::Refused, reason: Some(reason) };
                if let Some(line) = report.lines.get_mut(place) {
                    *line = Some(refused);
                }
            }
        }
    }
    let done = conn
        .transaction(async |conn| {
            writer_lock::acquire_for_batch(conn).await?;
            records::import(conn, found_records, desk, &mut report).await?;
            marked::import_checkpoints(conn, found_checkpoints, &mut report).await?;
            marked::import_events(conn, found_events, dry_run, desk.now, &mut report).await?;
            if dry_run { Err(Error::RollbackTransaction) } else { Ok(()) }
        })
        .await;
    match done {
        Err(Error::RollbackTransaction) if dry_run => {
            report.projects.clear();
            report.follow.clear();
        }
        done => done?,
    }
    let imported = ImportedLines {
        lines: report.lines.into_iter().flatten().collect(),
        projects: report.projects.into_iter().collect(),
    };
    Ok(Imported { lines: imported, follow: report.follow })
}

type Read = (String, String, Taken);

fn read(text: &str, now: DateTime<Utc>) -> Result<Read, (Option<String>, String)> {
    let line = line::parse(text)?;
    let body = line.body.get();
    let taken = match line.kind {
        Kind::Record => {
            FileRecord::read(&line.file, body, now.into()).map(|record| Taken::Record(Box::new(record)))
        }
        Kind::TaintEvent => FileTaintEvent::read(body, now.into()).map(Taken::TaintEvent),
        Kind::Checkpoint => FileCheckpoint::read(body).map(Taken::Checkpoint),
    };
    match taken {
        Ok(taken) => Ok((line.file, body.to_owned(), taken)),
        Err(Unreadable(reason)) => Err((Some(line.file), reason)),
    }
}

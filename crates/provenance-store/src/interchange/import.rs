//! Takes lines of an import in: a batch, a transaction. Each line is taken whole or refused alone, and repeating a
//! batch changes nothing, so that an import that broke off is simply begun anew. A batch that is sent again within one
//! import, because its answer was lost, is told the same as the first time.

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
use uuid::Uuid;

use super::checkpoint_file::FileCheckpoint;
use super::event_file::FileTaintEvent;
use super::line::{self, Kind};
use super::members::{Repairs, Unreadable};
use super::record_file::FileRecord;
use super::store::BroughtBy;
use crate::queries::Desk;
use crate::writer_lock;

/// Some lines of an import, and where they stand in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portion {
    /// The import; `None` from a gateway of the version before.
    pub import_id: Option<Uuid>,
    /// The place of the first line in the whole import, from 1.
    pub first_line: u64,
    /// The lines as they came.
    pub lines: Vec<String>,
}

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
    /// Its own line.
    by: BroughtBy,
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

    /// What is here already. If this very line brought it and nobody heard, that is told now.
    fn known<T>(&mut self, item: &Item<T>, id: &str, by: BroughtBy, repairs: &Repairs, kept: Option<String>) {
        if by == item.by && by.import_id.is_some() {
            self.taken(item, id, repairs.clone());
        } else {
            self.settle(item, id, ImportOutcome::Unchanged, kept);
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
/// would have.
///
/// # Errors
/// The database is away or has a bug of ours; nothing of the batch was changed then.
pub async fn import_lines(
    conn: &mut AsyncPgConnection,
    portion: Portion,
    dry_run: bool,
    desk: &Desk,
) -> Result<Imported, StoreError> {
    match import_batch(conn, &portion, dry_run, desk).await {
        Ok(imported) => Ok(imported),
        Err(error) => {
            let error = StoreError::from(error);
            if error.is_retryable() || portion.lines.len() < 2 {
                return Err(error);
            }
            error!(%error, "a batch of an import could not be stored; its lines are tried one by one");
            import_one_by_one(conn, portion, dry_run, desk).await
        }
    }
}

/// One line that the database will not have must not cost the others of its batch.
async fn import_one_by_one(
    conn: &mut AsyncPgConnection,
    portion: Portion,
    dry_run: bool,
    desk: &Desk,
) -> Result<Imported, StoreError> {
    let mut all = Imported::default();
    for (first_line, line) in (portion.first_line..).zip(portion.lines) {
        let file = match line::parse(&line) {
            Ok(line) => Some(line.file),
            Err((file, _)) => file,
        };
        let one = Portion { import_id: portion.import_id, first_line, lines: vec![line] };
        match import_batch(conn, &one, dry_run, desk).await {
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
    portion: &Portion,
    dry_run: bool,
    desk: &Desk,
) -> QueryResult<Imported> {
    let mut report =
        Report { lines: vec![None; portion.lines.len()], projects: BTreeSet::new(), follow: Vec::new() };
    let found = read_all(portion, desk.now, &mut report);
    let done = conn
        .transaction(async |conn| {
            writer_lock::acquire_for_batch(conn).await?;
            records::import(conn, found.records, desk, &mut report).await?;
            marked::import_checkpoints(conn, found.checkpoints, &mut report).await?;
            marked::import_events(conn, found.events, dry_run, desk.now, &mut report).await?;
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

/// The lines of a batch that could be read.
#[derive(Default)]
struct Found {
    records: Vec<Item<FileRecord>>,
    checkpoints: Vec<Item<FileCheckpoint>>,
    events: Vec<Item<FileTaintEvent>>,
}

/// Reads the lines; those that cannot be read are refused.
fn read_all(portion: &Portion, now: DateTime<Utc>, report: &mut Report) -> Found {
    let mut found = Found::default();
    let numbered = (portion.first_line..).zip(&portion.lines).enumerate();
    for (place, (number, text)) in numbered.filter(|(_, (_, text))| !text.trim().is_empty()) {
        match read(text, now) {
            Ok((file, body, taken)) => {
                let import_line = portion.import_id.and_then(|_| i64::try_from(number).ok());
                let by = BroughtBy { import_id: portion.import_id, import_line };
                match taken {
                    Taken::Record(content) => {
                        found.records.push(Item { place, file, body, content: *content, by });
                    }
                    Taken::TaintEvent(content) => found.events.push(Item { place, file, body, content, by }),
                    Taken::Checkpoint(content) => {
                        found.checkpoints.push(Item { place, file, body, content, by });
                    }
                }
            }
            Err((file, reason)) => {
                let reason = if file.is_some() { reason } else { format!("line {number}: {reason}") };
                let refused =
                    ImportedLine { file, id: None, outcome: ImportOutcome::Refused, reason: Some(reason) };
                if let Some(line) = report.lines.get_mut(place) {
                    *line = Some(refused);
                }
            }
        }
    }
    found
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
        Kind::Checkpoint => FileCheckpoint::read(body, line.key.as_deref()).map(Taken::Checkpoint),
    };
    match taken {
        Ok(taken) => Ok((line.file, body.to_owned(), taken)),
        Err(Unreadable(reason)) => Err((Some(line.file), reason)),
    }
}

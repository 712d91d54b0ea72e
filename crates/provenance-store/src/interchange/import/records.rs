//! Records of a batch: sorts out what is here already, and writes the others with their artifacts, edges, counters
//! and marks.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel::result::Error;
use diesel_async::AsyncPgConnection;
use futures_util::try_join;
use messaging::outbox;
use uuid::Uuid;

use super::{Item, Report};
use crate::artifacts::{edges, store as nodes};
use crate::integrity::Cause;
use crate::interchange::native;
use crate::interchange::record_file::{FileRecord, content_digest};
use crate::interchange::store::{self, BroughtBy, Known, NewFile};
use crate::marks;
use crate::project_counters::CounterChanges;
use crate::queries::Desk;
use crate::records::chained::{Beginning, ChangedRecord, Written, load_chains, write_records};
use crate::records::projection::Marks;
use crate::records::rows::RecordRow;
use crate::records::{Attempt, AttemptFacts, AttemptKey, Record, digest};

const SAME_ID: &str = "another record has this id";
const OTHER_CONTENT: &str = "the record of this id is here already, with other content";
const OTHER_MARKS: &str = "here already; its marks differ, those here were kept";
const OTHER_VERDICT: &str = "here already; its verdict differs, the one here was kept";
const OTHER_TRUST: &str = "here already; its marks and its verdict differ, those here were kept";

/// Takes records in.
pub(super) async fn import(
    conn: &mut AsyncPgConnection,
    items: Vec<Item<FileRecord>>,
    desk: &Desk,
    report: &mut Report,
) -> QueryResult<()> {
    let ids = items.iter().map(|item| item.content.provenance_id).collect();
    let known = store::list_known(conn, ids).await?;
    let native = known.iter().filter(|known| known.digest.is_none()).map(|known| known.seq).collect();
    let native = native_digests(conn, native).await?;
    let known: HashMap<Uuid, Known> = known.into_iter().map(|known| (known.provenance_id, known)).collect();
    let mut fresh: HashMap<Uuid, usize> = HashMap::new();
    let mut new: Vec<Item<FileRecord>> = Vec::new();
    for item in items {
        let id = item.content.provenance_id;
        if let Some(known) = known.get(&id) {
            let digest = known.digest.as_deref().or_else(|| Some(native.get(&known.seq)?.as_slice()));
            settle_known(&item, &Earlier::here(known, digest), report);
        } else if let Some(earlier) = fresh.get(&id).and_then(|place| new.get(*place)) {
            settle_known(&item, &Earlier::before(earlier), report);
        } else {
            fresh.insert(id, new.len());
            new.push(item);
        }
    }
    write(conn, new, desk, report).await
}

/// A record that came before another of the same id.
struct Earlier<'a> {
    /// The id in its file, if it has one.
    id: Option<&'a str>,
    digest: Option<&'a [u8]>,
    /// Whether it is tainted, and whether it is suspect.
    marks: (bool, bool),
    verdict: &'a str,
    by: BroughtBy,
}

impl<'a> Earlier<'a> {
    /// One that is stored.
    fn here(known: &'a Known, digest: Option<&'a [u8]>) -> Self {
        let marks = (known.is_tainted, known.is_suspect);
        Self { id: known.file_id.as_deref(), digest, marks, verdict: &known.verdict, by: known.by }
    }

    /// One of the same batch.
    fn before(item: &'a Item<FileRecord>) -> Self {
        let record = &item.content;
        Self {
            id: Some(&record.id),
            digest: Some(&record.digest),
            marks: (record.marks.is_tainted, record.marks.is_suspect),
            verdict: record.verdict_word(),
            by: item.by,
        }
    }
}

/// Tells what became of a record that is here already. Its marks and its verdict may differ: those here count.
fn settle_known(item: &Item<FileRecord>, earlier: &Earlier<'_>, report: &mut Report) {
    let record = &item.content;
    if earlier.id.is_some_and(|id| id != record.id) {
        return report.refused(item, &record.id, SAME_ID);
    }
    if earlier.digest != Some(&record.digest) {
        return report.refused(item, &record.id, OTHER_CONTENT);
    }
    let marks = (record.marks.is_tainted, record.marks.is_suspect);
    // A mark that stands in a verdict's place hides what was judged.
    let tells_verdict = record.verdict.is_some() || marks == (false, false);
    let judged_otherwise = tells_verdict && earlier.verdict != record.verdict_word();
    let kept = match (marks != earlier.marks, judged_otherwise) {
        (false, false) => None,
        (true, false) => Some(OTHER_MARKS),
        (false, true) => Some(OTHER_VERDICT),
        (true, true) => Some(OTHER_TRUST),
    };
    // Also one whose project nobody heard of, because the answer was lost.
    report.projects.insert(record.project.clone());
    report.known(item, &record.id, earlier.by, &record.repairs, kept.map(ToOwned::to_owned));
}

/// Digests of records that did not come from files, as if they had.
async fn native_digests(
    conn: &mut AsyncPgConnection,
    records: Vec<i64>,
) -> QueryResult<HashMap<i64, [u8; 32]>> {
    let rows = native::list_rows(conn, records).await?;
    rows.into_iter()
        .map(|row| {
            let seq = row.seq;
            let digest = content_digest(&native::write(row)?);
            Ok((seq, digest.map_err(|error| Error::SerializationError(Box::new(error)))?))
        })
        .collect()
}

/// Nodes come before edges, so that consumers and producers of one batch find each other; edges that other records
/// had before these nodes were known come last.
async fn write(
    conn: &mut AsyncPgConnection,
    items: Vec<Item<FileRecord>>,
    desk: &Desk,
    report: &mut Report,
) -> QueryResult<()> {
    if items.is_empty() {
        return Ok(());
    }
    let mut counters = CounterChanges::default();
    let mut rows = Vec::with_capacity(items.len());
    for item in &items {
        let row = record_row(&item.content)?;
        counters.add(row.project_id.as_deref(), marks_of(&item.content));
        rows.push(ChangedRecord { row, cause: Cause::Reported, beginning: beginning(&item.content) });
    }
    let digests: Vec<Vec<u8>> = rows.iter().map(|record| record.row.content_digest.clone()).collect();
    let chains = load_chains(conn, &rows).await?;
    let Written { places, links } = write_records(conn, chains, rows, desk.now).await?;
    let place_of = |item: &Item<FileRecord>| places.get(&item.content.provenance_id).map(|place| place.seq);
    let is_marked = |item: &&Item<FileRecord>| item.content.marks.is_tainted || item.content.marks.is_suspect;
    let marked: Vec<_> = items.iter().filter(is_marked).collect();
    let marks = marked.iter().filter_map(|&item| Some((place_of(item)?, item.content.marks.clone())));
    store::mark_records(conn, marks).await?;

    let mut outputs = Vec::new();
    let mut used = Vec::new();
    for item in &items {
        let Some(seq) = place_of(item) else { continue };
        let reported = &item.content.reported;
        outputs.extend(reported.outputs.values().map(|produced| (seq, produced.clone())));
        used.extend(reported.inputs.keys().map(|(id, _)| id.to_string()));
    }
    let names = outputs.iter().map(|(_, produced)| produced.artifact.artifact_id.to_string()).collect();
    let outputs = nodes::save_outputs(conn, outputs);
    let ((), (), versions) = try_join!(links.save(conn), counters.save(conn), outputs)?;
    nodes::ensure_nodes(conn, used).await?;
    edges::insert_edges(conn, places.values().map(|place| place.seq).collect()).await?;
    let mut touched = edges::list_misled(conn, versions, Vec::new()).await?;
    edges::rewrite_edges(conn, touched.clone()).await?;
    let projects = marked.iter().map(|item| item.content.project.to_string()).collect();
    store::put_marks(conn, marked.into_iter().filter_map(place_of).collect(), projects, desk.now).await?;
    touched.extend(items.iter().filter_map(place_of));
    // Marks that were set here reach what comes in, and marks that come in reach what was made of them here.
    let cause = marks::Cause { event: None, reason: "built on something suspect", now: desk.now };
    let mut follow = marks::follow_imported(conn, touched, &cause, desk.policy.marks).await?;
    let cause = marks::Cause { reason: "imported as tainted", ..cause };
    follow.extend(marks::tell_brought(conn, names, &cause).await?);
    outbox::insert(conn, &follow).await?;
    report.follow.extend(follow);

    let files = items.iter().zip(digests);
    let files = files.filter_map(|(item, digest)| Some(new_file(item, place_of(item)?, digest)));
    store::keep_files(conn, files.collect()).await?;
    for item in items {
        report.projects.insert(item.content.project.clone());
        report.taken(&item, &item.content.id, item.content.repairs.clone());
    }
    Ok(())
}

fn new_file(item: &Item<FileRecord>, record_seq: i64, content_digest: Vec<u8>) -> NewFile {
    let record = &item.content;
    NewFile {
        kind: "record",
        file_id: record.id.clone(),
        file: item.file.clone(),
        spare_name: format!("{}.json", record.provenance_id),
        project_id: record.project.to_string(),
        record_seq: Some(record_seq),
        body: item.body.clone(),
        digest: record.digest,
        content_digest: Some(content_digest),
        by: item.by,
    }
}

const fn marks_of(record: &FileRecord) -> Marks {
    Marks { is_tainted: record.marks.is_tainted, is_suspect: record.marks.is_suspect }
}

/// Only what a file tells to be suspect is in reach of the marks that files bring along (the first wave): anything else
/// may have been looked after, or is tainted itself.
fn beginning(file: &FileRecord) -> Beginning {
    let cleared_wave = if file.marks.is_suspect { 0 } else { 1 };
    Beginning { created_at: Some(file.created_at.to_utc()), cleared_wave }
}

fn record_row(file: &FileRecord) -> QueryResult<RecordRow> {
    let key = AttemptKey { task_id: file.task_id.into(), attempt: file.attempt };
    let digest = digest::content_digest(key, &file.reported)
        .map_err(|error| Error::SerializationError(Box::new(error)))?;
    let record = Record { reported: file.reported.clone(), marks: marks_of(file) };
    let facts = AttemptFacts { verdict: file.verdict.clone(), ..AttemptFacts::default() };
    let attempt = Attempt { key, facts, record: None };
    let row = RecordRow::project(&attempt, &record, digest.to_vec())?;
    // A file's record keeps its own id: several of one task are no attempts that we counted.
    Ok(RecordRow { provenance_id: file.provenance_id, ..row })
}

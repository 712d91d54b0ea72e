//! Taint events and checkpoints of a batch. They are about records that came before them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::ProjectId;
use uuid::Uuid;

use super::{Item, Report};
use crate::checkpoints::imported::{self, NewCheckpoint};
use crate::integrity::seals;
use crate::interchange::checkpoint_file::FileCheckpoint;
use crate::interchange::event_file::{FileTaintEvent, digest_of};
use crate::interchange::members::Repairs;
use crate::interchange::store::{self, BroughtBy, NewFile};
use crate::interchange::{made_here, naming};
use crate::records::rows::unreadable;

const OTHER_CONTENT: &str = "what was imported under this id has other content";
const OTHER_VALIDITY: &str = "here already; its is_valid differs, the one here was kept";

/// What is here under an id, or came before in the same batch.
struct Earlier {
    digest: Vec<u8>,
    by: BroughtBy,
}

/// Takes checkpoints in.
pub(super) async fn import_checkpoints(
    conn: &mut AsyncPgConnection,
    items: Vec<Item<FileCheckpoint>>,
    report: &mut Report,
) -> QueryResult<()> {
    let ids = items.iter().map(|item| item.content.id.clone()).collect();
    let mut known = digests(conn, "checkpoint", ids).await?;
    let ids: Vec<Uuid> = items.iter().map(|item| naming::checkpoint_uuid(&item.content.id)).collect();
    let mut valid = store::list_validity(conn, ids.clone()).await?;
    for (id, body) in made_here::find_checkpoints(conn, ids).await? {
        let body = body.as_object().cloned().unwrap_or_default();
        let digest = FileCheckpoint::lasting_digest(&body).map_err(unreadable)?;
        known.insert(id.to_string(), Earlier { digest: digest.to_vec(), by: BroughtBy::default() });
    }
    let (mut files, mut new) = (Vec::new(), Vec::new());
    for item in items {
        let FileCheckpoint { id, project, digest, repairs, is_valid, .. } = &item.content;
        if known.get(id).is_none_or(|known| known.digest == digest) {
            // Also one whose file was kept before there was a place for checkpoints, or whose project nobody heard of.
            new.push(new_checkpoint(&item.content));
            report.projects.insert(project.clone());
        }
        let valid_here = *valid.entry(naming::checkpoint_uuid(id)).or_insert(*is_valid);
        let kept = (valid_here != *is_valid).then(|| OTHER_VALIDITY.to_owned());
        let like = Like { id, digest, repairs, kept };
        if is_known(&mut known, &item, like, report) {
            continue;
        }
        report.taken(&item, id, repairs.clone());
        files.push(new_file("checkpoint", id, project.to_string(), *digest, &item));
    }
    imported::insert_checkpoints(conn, new).await?;
    store::keep_files(conn, files).await
}

fn new_checkpoint(told: &FileCheckpoint) -> NewCheckpoint {
    NewCheckpoint {
        checkpoint_id: naming::checkpoint_uuid(&told.id),
        file_id: told.id.clone(),
        project_id: told.project.to_string(),
        created_at: told.created_at.to_utc(),
        provenance_count: i64::try_from(told.provenance_count).unwrap_or(i64::MAX),
        last_provenance_id: told.last_record.as_deref().map(naming::record_uuid),
        last_task_id: told.last_task.as_deref().map(naming::task_uuid),
        description: told.description.clone(),
        trigger: told.trigger.clone(),
        is_valid: told.is_valid,
    }
}

/// Takes taint events in. Each belongs to the project of the record that it is about. In a dry run the record may have
/// been in a batch before, of which nothing was kept.
pub(super) async fn import_events(
    conn: &mut AsyncPgConnection,
    items: Vec<Item<FileTaintEvent>>,
    dry_run: bool,
    now: DateTime<Utc>,
    report: &mut Report,
) -> QueryResult<()> {
    let ids = items.iter().map(|item| item.content.id.clone()).collect();
    let mut known = digests(conn, "taint_event", ids).await?;
    let records: BTreeSet<Uuid> =
        items.iter().map(|item| naming::record_uuid(&item.content.record)).collect();
    let records: Vec<Uuid> = records.into_iter().collect();
    for event in made_here::find_events(conn, records.clone()).await? {
        let digest = digest_of(&event.body).map_err(unreadable)?.to_vec();
        known.insert(event.id, Earlier { digest, by: BroughtBy::default() });
    }
    let records = store::list_known(conn, records).await?;
    let projects: HashMap<_, _> =
        records.into_iter().map(|record| (record.provenance_id, record.project_id)).collect();
    let mut files = Vec::new();
    let mut new = Vec::new();
    for item in items {
        let FileTaintEvent { id, record, digest, repairs, .. } = &item.content;
        if is_known(&mut known, &item, Like { id, digest, repairs, kept: None }, report) {
            continue;
        }
        match projects.get(&naming::record_uuid(record)) {
            Some(project) => {
                let project = project.clone().unwrap_or_else(|| ProjectId::default().into());
                report.taken(&item, id, repairs.clone());
                files.push(new_file("taint_event", id, project, *digest, &item));
                new.push(item.content);
            }
            None if dry_run => report.taken(&item, id, repairs.clone()),
            None => {
                known.remove(id);
                report.refused(&item, id, format!("provenance_id: there is no record {record:?}"));
            }
        }
    }
    store::account_events(conn, new.iter()).await?;
    seals::seal(conn, files.iter().map(|file| file.project_id.clone()).collect(), now).await?;
    store::keep_files(conn, files).await
}

async fn digests(
    conn: &mut AsyncPgConnection,
    kind: &str,
    ids: Vec<String>,
) -> QueryResult<HashMap<String, Earlier>> {
    let found = store::list_digests(conn, kind, ids).await?;
    let earlier = |found: store::Imported| (found.file_id, Earlier { digest: found.digest, by: found.by });
    Ok(found.into_iter().map(earlier).collect())
}

/// What a line brings, to be compared with what is here.
struct Like<'a> {
    id: &'a str,
    digest: &'a [u8; 32],
    repairs: &'a Repairs,
    /// What is kept as it is here although it is told otherwise now.
    kept: Option<String>,
}

/// Whether there is such a thing already, which then is told; if not, there is from now on.
fn is_known<T>(
    known: &mut HashMap<String, Earlier>,
    item: &Item<T>,
    like: Like<'_>,
    report: &mut Report,
) -> bool {
    let Like { id, digest, repairs, kept } = like;
    match known.get(id) {
        None => {
            known.insert(id.to_owned(), Earlier { digest: digest.to_vec(), by: item.by });
            false
        }
        Some(earlier) if earlier.digest == digest => {
            report.known(item, id, earlier.by, repairs, kept);
            true
        }
        Some(_) => {
            report.refused(item, id, OTHER_CONTENT);
            true
        }
    }
}

fn new_file<T>(
    kind: &'static str,
    id: &str,
    project_id: String,
    digest: [u8; 32],
    item: &Item<T>,
) -> NewFile {
    NewFile {
        kind,
        file_id: id.to_owned(),
        file: item.file.clone(),
        spare_name: item.file.clone(),
        project_id,
        record_seq: None,
        body: item.body.clone(),
        digest,
        content_digest: None,
        by: item.by,
    }
}

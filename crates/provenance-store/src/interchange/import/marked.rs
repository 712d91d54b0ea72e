//! Taint events and checkpoints of a batch. They are about records that came before them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::ProjectId;
use protocol::provenance_query::ImportOutcome;
use uuid::Uuid;

use super::{Item, Report};
use crate::checkpoints::imported::{self, NewCheckpoint};
use crate::integrity::seals;
use crate::interchange::checkpoint_file::FileCheckpoint;
use crate::interchange::event_file::{FileTaintEvent, digest_of};
use crate::interchange::store::{self, NewFile};
use crate::interchange::{made_here, naming};
use crate::records::rows::unreadable;

const OTHER_CONTENT: &str = "what was imported under this id has other content";

/// Takes checkpoints in.
pub(super) async fn import_checkpoints(
    conn: &mut AsyncPgConnection,
    items: Vec<Item<FileCheckpoint>>,
    report: &mut Report,
) -> QueryResult<()> {
    let ids = items.iter().map(|item| item.content.id.clone()).collect();
    let mut known = digests(conn, "checkpoint", ids).await?;
    let ids = items.iter().map(|item| naming::checkpoint_uuid(&item.content.id)).collect();
    for (id, body) in made_here::find_checkpoints(conn, ids).await? {
        let body = body.as_object().cloned().unwrap_or_default();
        let digest = FileCheckpoint::lasting_digest(&body).map_err(unreadable)?;
        known.insert(id.to_string(), digest.to_vec());
    }
    let (mut files, mut new) = (Vec::new(), Vec::new());
    for item in items {
        let FileCheckpoint { id, project, digest, repairs, .. } = &item.content;
        if known.get(id).is_none_or(|known| known == digest) {
            // Also one whose file was kept before there was a place for checkpoints.
            new.push(new_checkpoint(&item.content));
        }
        if is_known(&mut known, &item, id, digest, report) {
            continue;
        }
        report.projects.insert(project.clone());
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
        known.insert(event.id, digest_of(&event.body).map_err(unreadable)?.to_vec());
    }
    let records = store::list_known(conn, records).await?;
    let projects: HashMap<_, _> =
        records.into_iter().map(|record| (record.provenance_id, record.project_id)).collect();
    let mut files = Vec::new();
    let mut new = Vec::new();
    for item in items {
        let FileTaintEvent { id, record, digest, repairs, .. } = &item.content;
        if is_known(&mut known, &item, id, digest, report) {
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
) -> QueryResult<HashMap<String, Vec<u8>>> {
    let found = store::list_digests(conn, kind, ids).await?;
    Ok(found.into_iter().map(|imported| (imported.file_id, imported.digest)).collect())
}

/// Whether there is such a thing already, which then is told; if not, there is from now on.
fn is_known<T>(
    known: &mut HashMap<String, Vec<u8>>,
    item: &Item<T>,
    id: &str,
    digest: &[u8; 32],
    report: &mut Report,
) -> bool {
    match known.get(id) {
        None => {
            known.insert(id.to_owned(), digest.to_vec());
            false
        }
        Some(known) if known == digest => {
            report.settle(item, id, ImportOutcome::Unchanged, None);
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
    }
}

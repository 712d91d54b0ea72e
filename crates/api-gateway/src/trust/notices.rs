//! What events tell of artifacts and rollbacks, apart from tasks: noted in the transaction of their batch.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use messaging::inbox;
use protocol::events::{EventData, RollbackCompleted};
use protocol::{ArtifactId, Event, EventId};

use super::store::rollbacks::mark_carried_out;
use super::store::{delete_outdated, delete_tainted, insert_tainted};

/// Sources whose clock is ours.
const OUR_SERVICES: &str = "/orchestration/";

/// Something told about artifacts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notice {
    /// They were found wrong.
    Tainted { artifacts: Vec<ArtifactId>, cascade_id: Option<String>, at: Option<DateTime<Utc>> },
    /// They are good.
    Cleared { artifacts: Vec<ArtifactId> },
    /// New versions of them were recorded, and are not tainted.
    Recorded { artifacts: Vec<ArtifactId>, at: DateTime<Utc> },
    /// A rollback was carried out, or refused.
    RolledBack(Box<RollbackCompleted>),
}

impl Notice {
    /// What the event tells; `None` if it is about something else.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let at = event.time.to_utc();
        // A stranger's clock may be wrong: what it says counts from when it is heard.
        let ours = event.source.starts_with(OUR_SERVICES).then_some(at);
        Some(match &event.data {
            EventData::ArtifactTainted(told) => Self::Tainted {
                artifacts: told.artifacts().into_iter().cloned().collect(),
                cascade_id: told.cascade_id.clone(),
                at: ours,
            },
            // With a source, it tells of what was only suspect because of that.
            EventData::ArtifactCleared(told) if told.source_id.is_some() => {
                Self::Cleared { artifacts: Vec::new() }
            }
            EventData::ArtifactCleared(told) => {
                Self::Cleared { artifacts: told.artifacts().into_iter().cloned().collect() }
            }
            EventData::ProvenanceRecorded(told) if told.is_tainted => {
                Self::Tainted { artifacts: told.artifact_ids.clone(), cascade_id: None, at: ours }
            }
            EventData::ProvenanceRecorded(told) => {
                Self::Recorded { artifacts: told.artifact_ids.clone(), at }
            }
            EventData::RollbackCompleted(told) => Self::RolledBack(Box::new(told.clone())),
            _ => return None,
        })
    }
}

/// The notices of a batch.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    list: Vec<(EventId, Notice)>,
}

/// What notices led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Something is tainted no longer: tasks that are held may go on.
    pub(crate) untainted: bool,
    /// Tasks are to run again.
    pub(crate) rolled_back: bool,
}

impl Notices {
    pub(crate) fn add(&mut self, event: EventId, notice: Notice) {
        self.list.push((event, notice));
    }

    /// Notes them in the caller's transaction, each event once.
    pub(crate) async fn note(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<Noted> {
        let mut noted = Noted::default();
        let mut new = self.claim(conn).await?;
        let mut recorded = Vec::new();
        for (event, notice) in &self.list {
            match notice {
                // By its time, repeating it does no harm.
                Notice::Recorded { artifacts, at } => {
                    recorded.extend(artifacts.iter().map(|artifact| (artifact.clone(), *at)));
                }
                _ if !new.remove(event) => {}
                Notice::Tainted { artifacts, cascade_id, at } => {
                    let at = at.unwrap_or(now).min(now);
                    insert_tainted(conn, artifacts, cascade_id.as_deref(), at).await?;
                }
                Notice::Cleared { artifacts } => {
                    noted.untainted |= delete_tainted(conn, artifacts).await? > 0;
                }
                Notice::RolledBack(told) => noted.rolled_back |= roll_back(conn, told, now).await?,
            }
        }
        noted.untainted |= delete_outdated(conn, &recorded).await? > 0;
        Ok(noted)
    }

    async fn claim(&self, conn: &mut AsyncPgConnection) -> QueryResult<HashSet<EventId>> {
        let counted = |(_, notice): &&(EventId, Notice)| !matches!(notice, Notice::Recorded { .. });
        let ids: Vec<EventId> = self.list.iter().filter(counted).map(|(event, _)| *event).collect();
        if ids.is_empty() { Ok(HashSet::new()) } else { inbox::claim(conn, &ids).await }
    }
}

/// What was taken back holds tasks from now on, even if the events that tell of the artifacts come later.
async fn roll_back(
    conn: &mut AsyncPgConnection,
    told: &RollbackCompleted,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    if told.dry_run || !mark_carried_out(conn, told, now).await? || told.error.is_some() {
        return Ok(false);
    }
    insert_tainted(conn, &told.artifact_ids, Some(&told.rollback_id.to_string()), now).await?;
    Ok(true)
}

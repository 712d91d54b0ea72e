//! Saying that something is wrong, or good. Durable when answered: of a taint, the event waits in the outbox, and tasks
//! that would use the artifact are held from then on.

use chrono::TimeDelta;
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::{OutboxEntry, inbox, outbox};
use protocol::events::{ArtifactStanding, ArtifactTainted};
use protocol::provenance_query::{Clearing, MarkTargetView};
use protocol::vocabulary::Severity;
use protocol::{Event, EventId};
use service_runtime::database::StoreError;
use thiserror::Error;

use super::store::standings::{Asked, insert_asked, is_any_asked, list_asked, lock_asking, save_standing};
use crate::provenance::{ProvenanceClient, ProvenanceError};
use crate::tasks::TaskService;
use crate::tasks::changes::SOURCE;

/// The event is durable and waits for as long as the provenance-store is away; an answer that is not there after this was
/// lost.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(14);

/// What somebody found wrong.
#[derive(Debug)]
pub(crate) struct Finding {
    /// A provenance id, artifact id or task id.
    pub(crate) id: String,
    /// Why.
    pub(crate) reason: String,
    /// How bad.
    pub(crate) severity: Option<Severity>,
    /// Whether what is built on it already becomes suspect.
    pub(crate) propagate: bool,
}

/// Why nothing was marked.
#[derive(Debug, Error)]
pub(crate) enum MarkingError {
    /// Nothing has that id.
    #[error("there is nothing of that id")]
    NotFound,
    /// The provenance-store did not say what it is.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// The event could not be stored.
    #[error("it could not be stored")]
    Store(#[from] StoreError),
}

/// Tells everybody that something is wrong; gives the cascade. What is tainted already, or about to be, stays in its own;
/// a suspicion that turns out right goes on in the cascade that it came from.
///
/// # Errors
/// See [`MarkingError`].
pub(crate) async fn taint(
    service: &TaskService,
    client: &ProvenanceClient,
    finding: Finding,
) -> Result<String, MarkingError> {
    let target = client.find_mark_target(finding.id.clone()).await?.ok_or(MarkingError::NotFound)?;
    let mut conn = service.connection().await?;
    if let (true, Some(cascade_id)) = (target.is_tainted, &target.cascade_id) {
        // Whatever was lost of that with an old database is known again.
        if let Some(standing) = &target.standing {
            save_standing(&mut conn, standing, service.now()).await.map_err(StoreError::from)?;
        }
        return Ok(cascade_id.clone());
    }
    let id = service.id_to_make();
    let cascade_id = target.cascade_id.clone().unwrap_or_else(|| id.to_string());
    let asked = Asked::of(&target, &cascade_id, finding.propagate);
    let mut event = Event::new(SOURCE, service.now(), tainted(&target, finding, &cascade_id));
    event.id = id;
    let entry = OutboxEntry::from_event(&event)
        .map_err(|error| StoreError::from(DieselError::SerializationError(Box::new(error))))?;
    let stored = conn
        .transaction::<_, DieselError, _>(async |conn| {
            lock_asking(conn, &target).await?;
            if let Some(under_way) = find_under_way(conn, &target, &asked).await? {
                return Ok(Stored::UnderWay(under_way));
            }
            // A request that is served again has done this before, and may have been answered since.
            if inbox::claim(conn, &[id]).await?.is_empty() {
                return Ok(Stored::Before);
            }
            insert_asked(conn, id, &asked, service.now() + GIVEN_UP_AFTER).await?;
            outbox::insert(conn, std::slice::from_ref(&entry)).await?;
            Ok(Stored::Now)
        })
        .await
        .map_err(StoreError::from)?;
    drop(conn);
    match stored {
        Stored::UnderWay(under_way) => return Ok(under_way),
        Stored::Before => {}
        Stored::Now => service.publish(vec![entry]),
    }
    Ok(cascade_id)
}

/// What became of a taint that was asked for.
enum Stored {
    /// Its event is in the outbox.
    Now,
    /// It was so already.
    Before,
    /// Somebody else said the same; the cascade.
    UnderWay(String),
}

/// The cascade of a taint that says the same and has not been answered yet.
async fn find_under_way(
    conn: &mut AsyncPgConnection,
    target: &MarkTargetView,
    wanted: &Asked,
) -> QueryResult<Option<String>> {
    let asked = list_asked(conn, target).await?;
    let same = asked.into_values().find(|asked| {
        asked.propagates == wanted.propagates
            && wanted.artifacts.keys().all(|name| asked.artifacts.contains_key(name))
    });
    Ok(same.and_then(|asked| asked.cascade_id))
}

/// Takes the marks off something, also those that were asked for before and are still on their way. Tasks that were held
/// by them may go on.
///
/// # Errors
/// See [`MarkingError`].
pub(crate) async fn clear(
    service: &TaskService,
    client: &ProvenanceClient,
    id: String,
    reason: String,
) -> Result<Clearing, MarkingError> {
    let withdrawn = list_withdrawn(service, client, &id).await?;
    let clearing = client.clear_marks(id, reason, withdrawn.clone()).await?.ok_or(MarkingError::NotFound)?;
    if let Some(standing) = &clearing.standing {
        let standing = ArtifactStanding { answers: withdrawn, ..standing.clone() };
        let mut conn = service.connection().await?;
        let saved = conn
            .transaction::<_, DieselError, _>(async |conn| {
                inbox::claim(conn, &standing.answers).await?;
                save_standing(conn, &standing, service.now()).await
            })
            .await
            .map_err(StoreError::from)?;
        service.nudges().inputs.add(saved.then_some(()));
    }
    Ok(clearing)
}

/// The events that say it is wrong and have not been answered yet.
async fn list_withdrawn(
    service: &TaskService,
    client: &ProvenanceClient,
    id: &str,
) -> Result<Vec<EventId>, MarkingError> {
    let mut conn = service.connection().await?;
    let any = is_any_asked(&mut conn).await.map_err(StoreError::from)?;
    drop(conn);
    if !any {
        return Ok(Vec::new());
    }
    let target = client.find_mark_target(id.to_owned()).await?.ok_or(MarkingError::NotFound)?;
    let mut conn = service.connection().await?;
    let asked = list_asked(&mut conn, &target).await.map_err(StoreError::from)?;
    Ok(asked.into_keys().collect())
}

/// By name where the newest versions are meant; else by the record alone, so that nobody takes an older version's
/// taint for the newest one's.
fn tainted(target: &MarkTargetView, finding: Finding, cascade_id: &str) -> ArtifactTainted {
    let by_name = target.provenance_id.is_none() || target.newest.len() == target.artifact_ids.len();
    ArtifactTainted {
        artifact_ids: if by_name { target.artifact_ids.clone() } else { Vec::new() },
        provenance_id: target.provenance_id,
        cascade_id: Some(cascade_id.to_owned()),
        reason: finding.reason,
        severity: finding.severity,
        propagate: Some(finding.propagate),
        ..ArtifactTainted::default()
    }
}

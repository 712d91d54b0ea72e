//! Saying that something is wrong, or good. Durable when answered: of a taint, the event waits in the outbox, and tasks
//! that would use the artifact are held from then on.

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use messaging::{OutboxEntry, inbox, outbox};
use protocol::events::{ArtifactStanding, ArtifactTainted};
use protocol::provenance_query::{Clearing, MarkTargetView};
use protocol::vocabulary::Severity;
use protocol::{ArtifactId, Event};
use service_runtime::database::StoreError;
use thiserror::Error;

use super::store::standings::{Asked, insert_asked, is_any_asked, list_asked, lock_asking, save_standing};
use crate::provenance::{ProvenanceClient, ProvenanceError};
use crate::tasks::TaskService;
use crate::tasks::changes::SOURCE;

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
    let (newest, propagates) = (target.newest.clone(), finding.propagate);
    let mut event = Event::new(SOURCE, service.now(), tainted(target, finding, &cascade_id));
    event.id = id;
    let entry = OutboxEntry::from_event(&event)
        .map_err(|error| StoreError::from(DieselError::SerializationError(Box::new(error))))?;
    let stored = conn
        .transaction::<_, DieselError, _>(async |conn| {
            if let Some(under_way) = find_under_way(conn, &newest, propagates).await? {
                return Ok(Some(under_way));
            }
            insert_asked(conn, id, &newest, Some(&cascade_id), propagates, service.now()).await?;
            outbox::insert(conn, std::slice::from_ref(&entry)).await?;
            Ok(None)
        })
        .await;
    drop(conn);
    match stored {
        Ok(Some(under_way)) => return Ok(under_way),
        Ok(None) => service.publish(vec![entry]),
        // The request is served again, and its event is still on its way.
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {}
        Err(error) => return Err(StoreError::from(error).into()),
    }
    Ok(cascade_id)
}

/// The cascade of a taint that says the same and has not been answered yet.
async fn find_under_way(
    conn: &mut AsyncPgConnection,
    artifacts: &[ArtifactId],
    propagates: bool,
) -> QueryResult<Option<String>> {
    let Some(first) = artifacts.first() else { return Ok(None) };
    lock_asking(conn, first.as_str()).await?;
    let asked = list_asked(conn, artifacts).await?;
    let same = asked.into_values().find(|asked| {
        asked.propagates == propagates && artifacts.iter().all(|name| asked.artifacts.contains(name.as_str()))
    });
    Ok(same.and_then(|asked| asked.cascade_id))
}

/// Takes the marks off something, also those that were asked for before and are still on their way; `None` if there is
/// nothing of that id. Tasks that were held by it may go on.
///
/// # Errors
/// See [`MarkingError`].
pub(crate) async fn clear(
    service: &TaskService,
    client: &ProvenanceClient,
    id: String,
    reason: String,
) -> Result<Clearing, MarkingError> {
    let mut conn = service.connection().await?;
    let withdrawn = if is_any_asked(&mut conn).await.map_err(StoreError::from)? {
        let target = client.find_mark_target(id.clone()).await?.ok_or(MarkingError::NotFound)?;
        let asked = list_asked(&mut conn, &target.artifact_ids).await.map_err(StoreError::from)?;
        let is_about = |asked: &Asked| {
            asked.artifacts.iter().all(|name| target.artifact_ids.iter().any(|own| own.as_str() == name))
        };
        asked.into_iter().filter(|(_, asked)| is_about(asked)).map(|(event, _)| event).collect()
    } else {
        Vec::new()
    };
    drop(conn);
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

/// By name where the newest versions are meant; else by the record alone, so that nobody takes an older version's
/// taint for the newest one's.
fn tainted(target: MarkTargetView, finding: Finding, cascade_id: &str) -> ArtifactTainted {
    let by_name = target.provenance_id.is_none() || target.newest.len() == target.artifact_ids.len();
    ArtifactTainted {
        artifact_ids: if by_name { target.artifact_ids } else { Vec::new() },
        provenance_id: target.provenance_id,
        cascade_id: Some(cascade_id.to_owned()),
        reason: finding.reason,
        severity: finding.severity,
        propagate: Some(finding.propagate),
        ..ArtifactTainted::default()
    }
}

//! Saying that something is wrong. Durable when answered: the event waits in the outbox, and tasks that would use the
//! artifact are held from then on.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncConnection;
use messaging::{OutboxEntry, outbox};
use protocol::Event;
use protocol::events::ArtifactTainted;
use protocol::provenance_query::MarkTargetView;
use protocol::vocabulary::Severity;
use service_runtime::database::StoreError;
use thiserror::Error;

use super::store::insert_tainted;
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

/// Tells everybody that something is wrong; gives the cascade. What is tainted already stays in its own.
///
/// # Errors
/// See [`MarkingError`].
pub(crate) async fn taint(
    service: &TaskService,
    client: &ProvenanceClient,
    finding: Finding,
) -> Result<String, MarkingError> {
    let target = client.find_mark_target(finding.id.clone()).await?.ok_or(MarkingError::NotFound)?;
    if let (true, Some(cascade_id)) = (target.is_tainted, &target.cascade_id) {
        // Tasks are held although the event that told of it may be on its way, or have been lost with an old database.
        let mut conn = service.connection().await?;
        insert_tainted(&mut conn, &target.newest, Some(cascade_id), service.now())
            .await
            .map_err(StoreError::from)?;
        return Ok(cascade_id.clone());
    }
    let id = service.id_to_make();
    let cascade_id = id.to_string();
    let newest = target.newest.clone();
    let mut event = Event::new(SOURCE, service.now(), tainted(target, finding, &cascade_id));
    event.id = id;
    let entry = OutboxEntry::from_event(&event)
        .map_err(|error| StoreError::from(DieselError::SerializationError(Box::new(error))))?;
    let mut conn = service.connection().await?;
    let stored = conn
        .transaction::<_, DieselError, _>(async |conn| {
            insert_tainted(conn, &newest, Some(&cascade_id), service.now()).await?;
            outbox::insert(conn, std::slice::from_ref(&entry)).await
        })
        .await;
    drop(conn);
    match stored {
        Ok(()) => service.publish(vec![entry]),
        // The request is served again, and its event is still on its way.
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {}
        Err(error) => return Err(StoreError::from(error).into()),
    }
    Ok(cascade_id)
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

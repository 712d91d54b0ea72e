//! Returning to a checkpoint: asked for here, carried out by the provenance-store, and followed up here by running
//! tasks again. Each step is durable before the next, so a crash leaves it undone or gets it done later.

use std::collections::BTreeSet;

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection;
use messaging::{OutboxEntry, outbox};
use protocol::events::{RollbackCompleted, RollbackRequested};
use protocol::{CheckpointId, Event, RollbackId, TaskId};
use service_runtime::database::StoreError;
use thiserror::Error;

use super::store::rollbacks::{
    RollbackRow, find_rollback, insert_requested, list_to_run_again, mark_ended_without_tasks, mark_reopened,
    take_pending,
};
use crate::provenance::{ProvenanceClient, ProvenanceError};
use crate::tasks::TaskService;
use crate::tasks::changes::{Cause, ChangeSet, Decision, SOURCE};
use crate::tasks::lifecycle::Input;
use crate::tasks::store::read::lock_tasks;

/// Why there is no rollback.
#[derive(Debug, Error)]
pub(crate) enum RollbackError {
    /// There is no such checkpoint.
    #[error("there is no such checkpoint")]
    NoCheckpoint,
    /// The checkpoint cannot be returned to.
    #[error("{0}")]
    InvalidCheckpoint(String),
    /// The provenance-store did not say what it would do.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// It could not be stored.
    #[error("it could not be stored")]
    Store(#[from] StoreError),
}

/// What a return to the checkpoint would do; changes nothing.
///
/// # Errors
/// See [`RollbackError`].
pub(crate) async fn preview(
    client: &ProvenanceClient,
    checkpoint: CheckpointId,
) -> Result<RollbackCompleted, RollbackError> {
    let told = client.preview_rollback(checkpoint).await?.ok_or(RollbackError::NoCheckpoint)?;
    match told.error {
        Some(error) => Err(RollbackError::InvalidCheckpoint(error.message)),
        None => Ok(told),
    }
}

/// Asks for a return to the checkpoint; durable when answered.
///
/// # Errors
/// See [`RollbackError`].
pub(crate) async fn request(
    service: &TaskService,
    client: &ProvenanceClient,
    checkpoint: CheckpointId,
    reason: String,
) -> Result<RollbackId, RollbackError> {
    let id = RollbackId(service.id_to_make().as_uuid());
    if service.operation().is_some() && find(service, id).await?.is_some() {
        return Ok(id);
    }
    let told = preview(client, checkpoint).await?;
    let wanted = RollbackRequested {
        rollback_id: Some(id),
        checkpoint_id: checkpoint,
        reason: reason.clone(),
        dry_run: None,
    };
    let event = Event::new(SOURCE, service.now(), wanted);
    let entry = OutboxEntry::from_event(&event)
        .map_err(|error| StoreError::from(DieselError::SerializationError(Box::new(error))))?;
    let mut conn = service.connection().await?;
    conn.transaction::<_, DieselError, _>(async |conn| {
        insert_requested(conn, id, checkpoint, told.project_id.as_ref(), &reason, service.now()).await?;
        outbox::insert(conn, std::slice::from_ref(&entry)).await
    })
    .await
    .map_err(StoreError::from)?;
    drop(conn);
    service.publish(vec![entry]);
    Ok(id)
}

/// How a rollback is going.
///
/// # Errors
/// The store's.
pub(crate) async fn find(service: &TaskService, id: RollbackId) -> Result<Option<RollbackRow>, StoreError> {
    let mut conn = service.connection().await?;
    Ok(find_rollback(&mut conn, id).await?)
}

/// Runs tasks of one rollback again, up to so many; tells how many were looked at. A task that is cancelled stays so.
pub(crate) async fn reopen_tasks(service: &TaskService, limit: i64) -> Result<usize, StoreError> {
    let mut conn = service.connection().await?;
    let done = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let pending = take_pending(conn, limit).await?;
            let Some(&first) = pending.first() else {
                mark_ended_without_tasks(conn, service.now()).await?;
                return Ok(None);
            };
            let listed: Vec<_> = pending.iter().map(|task| task.task_id).collect();
            let again = list_to_run_again(conn, &listed).await?;
            let locked = lock_tasks(conn, &again).await?;
            let ids: BTreeSet<TaskId> = locked.iter().map(|task| task.submission.id).collect();
            let mut changes = ChangeSet::new(service.rules(), service.now(), locked);
            let reason = format!("rollback to checkpoint {}", first.checkpoint_id);
            let mut reopened = 0;
            for id in ids {
                let cause = Cause { note: Some(reason.clone()), ..Cause::ours("rollback.completed") };
                let input = Input::Reopen { reason: reason.clone() };
                if changes.apply(id, &input, &cause)? == Decision::Applied {
                    reopened += 1;
                }
            }
            let committed = changes.write(conn).await?;
            mark_reopened(conn, first.rollback_id, reopened, service.now()).await?;
            Ok(Some((pending.len(), committed)))
        })
        .await?;
    drop(conn);
    let Some((looked_at, committed)) = done else { return Ok(0) };
    service.committed(committed);
    Ok(looked_at)
}

//! Returning to a checkpoint: the project's later records no longer count. They are tainted, without making anything
//! suspect that exists already; what uses them from now on is suspect. Nothing is deleted, and repeating it changes
//! nothing.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use messaging::OutboxEntry;
use protocol::events::{ArtifactTainted, Failure, RollbackCompleted, RollbackRequested};
use protocol::{ArtifactId, CheckpointId, EventId, ProjectId, RollbackId, TaskId};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::store::{CheckpointRow, find_checkpoint, mark_later_invalid};
use crate::marks::{ARTIFACTS_PER_EVENT, Cause, take_back, take_standing, tell_standing};
use crate::records::rows::unreadable;

/// Why there is nothing to return to.
const NO_CHECKPOINT: &str = "CHECKPOINT_NOT_FOUND";
/// Why a checkpoint cannot be returned to.
const INVALID_CHECKPOINT: &str = "CHECKPOINT_INVALID";

/// What a return to the checkpoint would change; with an error if it is invalid, `None` if there is none of that id.
///
/// # Errors
/// The database's.
pub async fn preview_rollback(
    conn: &mut AsyncPgConnection,
    checkpoint_id: CheckpointId,
) -> QueryResult<Option<RollbackCompleted>> {
    let Some(checkpoint) = find_checkpoint(conn, checkpoint_id).await? else { return Ok(None) };
    let id = RollbackId(EventId::generate().as_uuid());
    let told = RollbackCompleted { dry_run: true, ..completed(id, checkpoint_id) };
    if !checkpoint.is_valid {
        return Ok(Some(RollbackCompleted { error: Some(invalid(checkpoint_id)), ..told }));
    }
    let records = list_later_records(conn, &checkpoint).await?;
    numbers(conn, told, &checkpoint, &records).await.map(Some)
}

/// Returns to the checkpoint, or says why not; gives the events that tell of it.
///
/// # Errors
/// The database's.
pub async fn roll_back(
    conn: &mut AsyncPgConnection,
    wanted: &RollbackRequested,
    cause: &Cause<'_>,
) -> QueryResult<Vec<OutboxEntry>> {
    let checkpoint_id = wanted.checkpoint_id;
    if wanted.dry_run == Some(true) {
        let told = preview_rollback(conn, checkpoint_id).await?;
        let mut told = told.unwrap_or_else(|| refused(RollbackId(Uuid::nil()), checkpoint_id));
        told.dry_run = true;
        told.rollback_id = rollback_id(wanted, cause);
        return Ok(vec![cause.event("", told)?]);
    }
    let id = rollback_id(wanted, cause);
    if let Some(result) = find_result(conn, id).await? {
        // Whoever asks again hears again.
        return Ok(vec![cause.event("", result)?]);
    }
    let checkpoint = find_checkpoint(conn, checkpoint_id).await?;
    let (told, mut entries) = match checkpoint {
        None => (refused(id, checkpoint_id), Vec::new()),
        Some(checkpoint) if !checkpoint.is_valid => {
            let told = completed(id, checkpoint_id);
            (RollbackCompleted { error: Some(invalid(checkpoint_id)), ..told }, Vec::new())
        }
        Some(checkpoint) => carry_out(conn, id, &checkpoint, cause).await?,
    };
    insert_result(conn, &told, cause.reason, cause.now).await?;
    entries.push(cause.event("", told)?);
    Ok(entries)
}

async fn carry_out(
    conn: &mut AsyncPgConnection,
    id: RollbackId,
    checkpoint: &CheckpointRow,
    cause: &Cause<'_>,
) -> QueryResult<(RollbackCompleted, Vec<OutboxEntry>)> {
    let checkpoint_id = CheckpointId(checkpoint.checkpoint_id);
    let records = list_later_records(conn, checkpoint).await?;
    let told = numbers(conn, completed(id, checkpoint_id), checkpoint, &records).await?;
    let reason = format!("Rollback to checkpoint {checkpoint_id}");
    let seqs = records.iter().map(|record| record.seq).collect();
    take_back(conn, seqs, id, checkpoint_id, &Cause { reason: &reason, ..*cause }).await?;
    mark_later_invalid(conn, checkpoint).await?;
    let names = told.artifact_ids.iter().map(ToString::to_string).collect();
    let standing = take_standing(conn, names).await?;
    let mut entries = tell_standing(&standing, cause)?;
    let told = RollbackCompleted { moment: Some(standing.moment), superseded: standing.untainted, ..told };
    let batches = told.artifact_ids.chunks(ARTIFACTS_PER_EVENT).enumerate().map(|(part, artifacts)| {
        let tainted = ArtifactTainted {
            artifact_ids: artifacts.to_vec(),
            cascade_id: Some(id.to_string()),
            reason: reason.clone(),
            propagate: Some(false),
            ..ArtifactTainted::default()
        };
        cause.event(&format!("/{part}"), tainted)
    });
    entries.extend(batches.collect::<QueryResult<Vec<_>>>()?);
    Ok((told, entries))
}

fn rollback_id(wanted: &RollbackRequested, cause: &Cause<'_>) -> RollbackId {
    let derived =
        || cause.event.map_or_else(EventId::generate, |event| EventId::derived(event.id, "rollback"));
    wanted.rollback_id.unwrap_or_else(|| RollbackId(derived().as_uuid()))
}

fn completed(rollback_id: RollbackId, checkpoint_id: CheckpointId) -> RollbackCompleted {
    RollbackCompleted {
        rollback_id,
        checkpoint_id,
        project_id: None,
        trigger: None,
        records_invalidated: 0,
        artifact_ids: Vec::new(),
        superseded: Vec::new(),
        moment: None,
        task_ids: Vec::new(),
        dry_run: false,
        error: None,
    }
}

fn refused(rollback_id: RollbackId, checkpoint_id: CheckpointId) -> RollbackCompleted {
    let message = format!("there is no checkpoint {checkpoint_id}");
    let error = Failure::new(NO_CHECKPOINT, message, false);
    RollbackCompleted { error: Some(error), ..completed(rollback_id, checkpoint_id) }
}

fn invalid(checkpoint_id: CheckpointId) -> Failure {
    let message =
        format!("checkpoint {checkpoint_id} is invalid: a rollback went back behind it, or it is too old");
    Failure::new(INVALID_CHECKPOINT, message, false)
}

/// A record after a checkpoint.
#[derive(Debug, Clone, QueryableByName)]
struct LaterRecord {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = SqlUuid)]
    task_id: Uuid,
    /// Its file, where that may not tell when it was made.
    #[diesel(sql_type = Nullable<Text>)]
    body: Option<String>,
}

/// The project's records after the checkpoint, without those that were taken back before.
async fn list_later_records(
    conn: &mut AsyncPgConnection,
    checkpoint: &CheckpointRow,
) -> QueryResult<Vec<LaterRecord>> {
    if checkpoint.is_by_time() {
        return list_younger_records(conn, checkpoint).await;
    }
    sql_query(
        "SELECT seq, task_id, NULL AS body FROM provenance_records
         WHERE project_id = $1 AND seq > $2 AND rollback_id IS NULL ORDER BY seq",
    )
    .bind::<Text, _>(&checkpoint.project_id)
    .bind::<BigInt, _>(checkpoint.position)
    .load(conn)
    .await
}

/// The project's records that were made after the checkpoint's time, in whatever order they came.
async fn list_younger_records(
    conn: &mut AsyncPgConnection,
    checkpoint: &CheckpointRow,
) -> QueryResult<Vec<LaterRecord>> {
    let found: Vec<LaterRecord> = sql_query(
        "SELECT seq, task_id, CASE WHEN record.created_at = record.completed_at THEN file.body END AS body
         FROM provenance_records record LEFT JOIN imported_files file ON file.record_seq = record.seq
         WHERE record.project_id = $1 AND record.created_at > $2 AND rollback_id IS NULL ORDER BY seq",
    )
    .bind::<Text, _>(&checkpoint.project_id)
    .bind::<Timestamptz, _>(checkpoint.created_at)
    .load(conn)
    .await?;
    Ok(found.into_iter().filter(|record| !record.is_ageless()).collect())
}

/// What a file says of its record's age.
#[derive(Deserialize)]
struct Age {
    created_at: Option<Value>,
}

impl LaterRecord {
    /// Whether it is from a file that does not tell when it was made: such a record is never later than anything.
    fn is_ageless(&self) -> bool {
        let age = self.body.as_deref().and_then(|body| serde_json::from_str::<Age>(body).ok());
        age.is_some_and(|age| age.created_at.is_none_or(|told| told.as_str() == Some("")))
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    artifact_id: String,
}

async fn numbers(
    conn: &mut AsyncPgConnection,
    told: RollbackCompleted,
    checkpoint: &CheckpointRow,
    records: &[LaterRecord],
) -> QueryResult<RollbackCompleted> {
    let seqs: Vec<i64> = records.iter().map(|record| record.seq).collect();
    let names: Vec<Name> = sql_query(
        "SELECT DISTINCT artifact_id FROM artifacts WHERE producer_seq = ANY ($1) ORDER BY artifact_id",
    )
    .bind::<diesel::sql_types::Array<BigInt>, _>(seqs)
    .load(conn)
    .await?;
    let mut task_ids: Vec<TaskId> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    task_ids.extend(records.iter().map(|record| record.task_id).filter(|id| seen.insert(*id)).map(TaskId));
    Ok(RollbackCompleted {
        project_id: Some(ProjectId::new(checkpoint.project_id.clone()).map_err(unreadable)?),
        trigger: Some(checkpoint.trigger.clone()),
        records_invalidated: records.len() as u64,
        artifact_ids: names.into_iter().filter_map(|name| ArtifactId::new(name.artifact_id).ok()).collect(),
        task_ids,
        ..told
    })
}

#[derive(QueryableByName)]
struct ResultRow {
    #[diesel(sql_type = Jsonb)]
    result: Value,
}

async fn find_result(conn: &mut AsyncPgConnection, id: RollbackId) -> QueryResult<Option<RollbackCompleted>> {
    let row: Option<ResultRow> = sql_query("SELECT result FROM rollbacks WHERE rollback_id = $1")
        .bind::<SqlUuid, _>(id.as_uuid())
        .get_result(conn)
        .await
        .optional()?;
    row.map(|row| serde_json::from_value(row.result).map_err(unreadable)).transpose()
}

async fn insert_result(
    conn: &mut AsyncPgConnection,
    told: &RollbackCompleted,
    reason: &str,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let result = serde_json::to_value(told)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    sql_query(
        "INSERT INTO rollbacks (rollback_id, checkpoint_id, reason, result, at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind::<SqlUuid, _>(told.rollback_id.as_uuid())
    .bind::<SqlUuid, _>(told.checkpoint_id.as_uuid())
    .bind::<Text, _>(reason)
    .bind::<Jsonb, _>(result)
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .await
    .map(|_| ())
}

//! Checkpoints that were read from files. They stand for a time rather than for a place in the record order: records
//! come from files in any order.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::statement::statement;

/// A checkpoint as its file tells it.
#[derive(Debug, Clone)]
pub(crate) struct NewCheckpoint {
    pub(crate) checkpoint_id: Uuid,
    /// Its id in the file.
    pub(crate) file_id: String,
    pub(crate) project_id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) provenance_count: i64,
    pub(crate) last_provenance_id: Option<Uuid>,
    pub(crate) last_task_id: Option<Uuid>,
    pub(crate) description: String,
    /// Manual when absent.
    pub(crate) trigger: Option<String>,
    pub(crate) is_valid: bool,
}

statement!(
    /// Writes checkpoints; leaves alone those that are here already.
    struct InsertCheckpoints {
        checkpoint_id: Vec<Uuid> as Array<SqlUuid>,
        file_id: Vec<String> as Array<Text>,
        project_id: Vec<String> as Array<Text>,
        created_at: Vec<DateTime<Utc>> as Array<Timestamptz>,
        provenance_count: Vec<i64> as Array<BigInt>,
        last_provenance_id: Vec<Option<Uuid>> as Array<Nullable<SqlUuid>>,
        last_task_id: Vec<Option<Uuid>> as Array<Nullable<SqlUuid>>,
        description: Vec<String> as Array<Text>,
        trigger: Vec<Option<String>> as Array<Nullable<Text>>,
        is_valid: Vec<bool> as Array<Bool>,
    }
    "INSERT INTO checkpoints (checkpoint_id, file_id, project_id, created_at, provenance_count, last_provenance_id,
        last_task_id, description, trigger, is_valid, position)
     SELECT checkpoint_id, file_id, project_id, created_at, provenance_count, last_provenance_id, last_task_id,
        description, COALESCE(trigger, 'manual'), is_valid, 0
     FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY AS told (
        checkpoint_id, file_id, project_id, created_at, provenance_count, last_provenance_id, last_task_id,
        description, trigger, is_valid, place)
     ORDER BY place
     ON CONFLICT (checkpoint_id) DO NOTHING"
);

/// Writes checkpoints, as far as they are not here already.
pub(crate) async fn insert_checkpoints(
    conn: &mut AsyncPgConnection,
    checkpoints: Vec<NewCheckpoint>,
) -> QueryResult<()> {
    let mut insert = InsertCheckpoints::default();
    for checkpoint in checkpoints {
        insert.checkpoint_id.push(checkpoint.checkpoint_id);
        insert.file_id.push(checkpoint.file_id);
        insert.project_id.push(checkpoint.project_id);
        insert.created_at.push(checkpoint.created_at);
        insert.provenance_count.push(checkpoint.provenance_count);
        insert.last_provenance_id.push(checkpoint.last_provenance_id);
        insert.last_task_id.push(checkpoint.last_task_id);
        insert.description.push(checkpoint.description);
        insert.trigger.push(checkpoint.trigger);
        insert.is_valid.push(checkpoint.is_valid);
    }
    if !insert.checkpoint_id.is_empty() {
        insert.execute(conn).await?;
    }
    Ok(())
}

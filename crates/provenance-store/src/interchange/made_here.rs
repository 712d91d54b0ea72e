//! Checkpoints and taint events that were made here, in the form of the earlier system's files.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::naming;
use super::native::file_time;
use crate::statement::statement;

/// The file that checkpoints are written to.
pub(super) const CHECKPOINTS: &str = "checkpoints.json";
/// The file that taint events are written to.
pub(super) const TAINT_EVENTS: &str = "taint_events.json";

/// What a statement selects to get [`CheckpointRow`]s. Records are named as their files name them.
macro_rules! select_checkpoints {
    () => {
        "SELECT checkpoint.number, checkpoint.checkpoint_id, checkpoint.project_id, checkpoint.created_at,
            checkpoint.provenance_count, checkpoint.last_task_id, checkpoint.description, checkpoint.trigger,
            checkpoint.is_valid, COALESCE(file.file_id, checkpoint.last_provenance_id::text) AS last_record
         FROM checkpoints checkpoint
         LEFT JOIN provenance_records record ON record.provenance_id = checkpoint.last_provenance_id
         LEFT JOIN imported_files file ON file.record_seq = record.seq "
    };
}

statement!(
    struct NextCheckpoints { project_id: String as Text, after: i64 as BigInt, lines: i64 as BigInt }
    concat!(select_checkpoints!(), "WHERE checkpoint.project_id = $1 AND checkpoint.number > $2
        AND checkpoint.file_id IS NULL ORDER BY checkpoint.number LIMIT $3")
);

statement!(
    struct FindCheckpoints { ids: Vec<Uuid> as Array<SqlUuid> }
    concat!(select_checkpoints!(), "WHERE checkpoint.checkpoint_id = ANY ($1) AND checkpoint.file_id IS NULL")
);

#[derive(QueryableByName)]
struct CheckpointRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = SqlUuid)]
    checkpoint_id: Uuid,
    #[diesel(sql_type = Text)]
    project_id: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    provenance_count: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_task_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Text)]
    trigger: String,
    #[diesel(sql_type = Bool)]
    is_valid: bool,
    #[diesel(sql_type = Nullable<Text>)]
    last_record: Option<String>,
}

impl CheckpointRow {
    fn body(&self) -> Value {
        json!({
            "id": self.checkpoint_id.to_string(),
            "project_id": self.project_id,
            "created_at": file_time(self.created_at),
            "git_ref": "",
            "provenance_count": self.provenance_count,
            "artifact_count": 0,
            "last_provenance_id": self.last_record.as_deref().unwrap_or_default(),
            "last_task_id": self.last_task_id.map(|id| id.to_string()).unwrap_or_default(),
            "rag_state_ref": "",
            "work_product_ref": "",
            "description": self.description,
            "trigger": self.trigger,
            "is_valid": self.is_valid,
        })
    }
}

/// A project's next checkpoints, each with its place.
pub(super) async fn next_checkpoints(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
    after: i64,
    lines: i64,
) -> QueryResult<Vec<(i64, Value)>> {
    let next = NextCheckpoints { project_id: project.to_string(), after, lines };
    let rows: Vec<CheckpointRow> = next.load(conn).await?;
    Ok(rows.iter().map(|row| (row.number, row.body())).collect())
}

/// Those of the checkpoints that were made here.
pub(super) async fn find_checkpoints(
    conn: &mut AsyncPgConnection,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<(Uuid, Value)>> {
    let rows: Vec<CheckpointRow> = FindCheckpoints { ids }.load(conn).await?;
    Ok(rows.iter().map(|row| (row.checkpoint_id, row.body())).collect())
}

/// What a statement selects to get [`EventRow`]s. Records are named as their files name them. What is about no record
/// has no place in the files, and the marks that records brought along are told by their files.
macro_rules! select_events {
    () => {
        "SELECT event.id, event.at, event.action, event.artifact_id, event.cascade_id, event.depth,
            event.source_artifact_id, event.reason, COALESCE(file.file_id, record.provenance_id::text) AS record
         FROM taint_events event
         JOIN provenance_records record ON record.seq = event.record_seq
         LEFT JOIN imported_files file ON file.record_seq = record.seq
         WHERE event.origin = 'here' AND "
    };
}

statement!(
    struct NextEvents { project_id: String as Text, after: i64 as BigInt, lines: i64 as BigInt }
    concat!(select_events!(), "record.project_id = $1 AND event.id > $2 ORDER BY event.id LIMIT $3")
);

statement!(
    struct FindEvents { records: Vec<Uuid> as Array<SqlUuid> }
    concat!(select_events!(), "record.provenance_id = ANY ($1) ORDER BY event.id")
);

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    artifact_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    cascade_id: Option<String>,
    #[diesel(sql_type = Integer)]
    depth: i32,
    #[diesel(sql_type = Nullable<Text>)]
    source_artifact_id: Option<String>,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Text)]
    record: String,
}

/// A taint event in the form of a file.
pub(super) struct WrittenEvent {
    /// Its place in the account.
    pub(super) place: i64,
    pub(super) id: String,
    pub(super) body: Value,
}

impl EventRow {
    fn write(self) -> WrittenEvent {
        let timestamp = file_time(self.at);
        let id = naming::event_uuid(&self.record, self.id, &timestamp).to_string();
        let body = json!({
            "id": id,
            "timestamp": timestamp,
            "artifact_id": self.artifact_id.unwrap_or_default(),
            "provenance_id": self.record,
            "reason": self.reason,
            "source_artifact_id": self.source_artifact_id.unwrap_or_default(),
            "source_provenance_id": "",
            "cascade_depth": self.depth,
            "cascade_id": self.cascade_id.unwrap_or_default(),
            "action": self.action,
        });
        WrittenEvent { place: self.id, id, body }
    }
}

/// A project's next taint events, each with its place.
pub(super) async fn next_events(
    conn: &mut AsyncPgConnection,
    project: &ProjectId,
    after: i64,
    lines: i64,
) -> QueryResult<Vec<(i64, Value)>> {
    let next = NextEvents { project_id: project.to_string(), after, lines };
    let rows: Vec<EventRow> = next.load(conn).await?;
    Ok(rows.into_iter().map(EventRow::write).map(|event| (event.place, event.body)).collect())
}

/// The taint events about these records that happened here.
pub(super) async fn find_events(
    conn: &mut AsyncPgConnection,
    records: Vec<Uuid>,
) -> QueryResult<Vec<WrittenEvent>> {
    let rows: Vec<EventRow> = FindEvents { records }.load(conn).await?;
    Ok(rows.into_iter().map(EventRow::write).collect())
}

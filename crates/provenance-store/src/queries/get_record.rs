//! One record, by whichever id the asker has.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Jsonb, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::JsonObject;
use protocol::provenance_query::{RecordView, TaintView};
use protocol::{ProjectId, ProvenanceId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::Unanswered;
use crate::interchange;
use crate::records::Verdict;
use crate::records::rows::unreadable;
use crate::schema::provenance_records;
use crate::statement::statement;

statement!(
    /// A record by its own id, else by an artifact that it produced, else by its task; of several the newest.
    struct FindRecord {
        provenance_id: Uuid as SqlUuid,
        artifact_id: String as Text,
        task_id: Uuid as SqlUuid,
    }
    "SELECT record.*, COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'artifact_id', artifact_id, 'type', artifact_type, 'path', path, 'language', language,
            'checksum', checksum, 'size_bytes', size_bytes) ORDER BY produced_at, reported_by, position)
        FROM artifacts WHERE producer_seq = record.seq), '[]') AS outputs
     FROM provenance_records record
     WHERE record.seq = COALESCE(
        (SELECT seq FROM provenance_records WHERE provenance_id = $1),
        (SELECT producer_seq FROM artifacts WHERE artifact_id = $2 AND producer_seq IS NOT NULL
            ORDER BY produced_at DESC, reported_by DESC LIMIT 1),
        (SELECT seq FROM provenance_records WHERE task_id = $3 ORDER BY attempt DESC, seq DESC LIMIT 1))"
);

/// A record as it lies in the database, with its outputs.
#[derive(QueryableByName)]
#[diesel(table_name = provenance_records, check_for_backend(diesel::pg::Pg))]
struct FoundRow {
    provenance_id: Uuid,
    task_id: Uuid,
    attempt: i32,
    project_id: Option<String>,
    tier: Option<String>,
    domain: Option<String>,
    model_used: Option<String>,
    worker_id: Option<String>,
    tokens_input: Option<i64>,
    tokens_output: Option<i64>,
    execution_time_ms: Option<i64>,
    confidence: Option<f64>,
    inputs: Value,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    verification: Option<Value>,
    is_tainted: bool,
    tainted_at: Option<DateTime<Utc>>,
    tainted_reason: Option<String>,
    is_suspect: bool,
    suspect_since: Option<DateTime<Utc>>,
    suspect_source: Option<String>,
    cascade_id: Option<String>,
    status: String,
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    outputs: Value,
}

/// The record with this provenance id (or this name, if it came from a file), else the newest that produced an artifact of this id, else the newest of
/// the task with this id.
///
/// # Errors
/// If there is none, or the database does not answer.
pub async fn get_record(conn: &mut AsyncPgConnection, id: &str) -> Result<RecordView, Unanswered> {
    let not_found = || Unanswered::NotFound(format!("no record by provenance, artifact or task id {id:?}"));
    if id.contains('\0') {
        return Err(not_found());
    }
    let find = FindRecord {
        provenance_id: interchange::record_uuid(id),
        artifact_id: id.to_owned(),
        task_id: interchange::task_uuid(id),
    };
    let row: Option<FoundRow> = find.get_result(conn).await.optional()?;
    Ok(row.ok_or_else(not_found)?.view()?)
}

impl FoundRow {
    fn view(self) -> QueryResult<RecordView> {
        let verification = match self.verification {
            Some(verdict) => read::<Verdict>(verdict)?.view(),
            None => Verdict::view_of_none(),
        };
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        let time = |time: Option<DateTime<Utc>>| time.map(Timestamp::from);
        Ok(RecordView {
            id: ProvenanceId(self.provenance_id),
            task_id: self.task_id.into(),
            project_id: self.project_id.map(ProjectId::new).transpose().map_err(unreadable)?,
            attempt: u32::try_from(self.attempt).map_err(unreadable)?,
            status: self.status.parse().map_err(unreadable)?,
            model_used: self.model_used,
            worker_id: self.worker_id,
            tier: self.tier,
            domain: self.domain,
            created_at: self.created_at.into(),
            started_at: time(self.started_at),
            completed_at: time(self.completed_at),
            tokens_input: count(self.tokens_input),
            tokens_output: count(self.tokens_output),
            execution_time_ms: count(self.execution_time_ms),
            confidence: self.confidence,
            outputs: read(self.outputs)?,
            inputs_consumed: read(self.inputs)?,
            verification: JsonObject::from_iter(verification),
            taint: TaintView {
                is_tainted: self.is_tainted,
                tainted_at: time(self.tainted_at),
                tainted_reason: self.tainted_reason,
                is_suspect: self.is_suspect,
                suspect_since: time(self.suspect_since),
                suspect_source: self.suspect_source,
                cascade_id: self.cascade_id,
            },
        })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> QueryResult<T> {
    serde_json::from_value(value).map_err(unreadable)
}

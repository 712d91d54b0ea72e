//! A record as it lies in the database, and the way from there to what users see.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use protocol::events::JsonObject;
use protocol::provenance_query::{RecordCost, RecordView, TaintView};
use protocol::{ProjectId, ProvenanceId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::records::Verdict;
use crate::records::rows::unreadable;
use crate::schema::provenance_records;

/// What a statement selects to get [`FoundRow`]s of records named `record`; more columns may go before.
macro_rules! select_records {
    () => {
        select_records!("")
    };
    ($before:literal) => {
        concat!(
            "SELECT ",
            $before,
            "record.*, COALESCE((
            SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'artifact_id', artifact_id, 'type', artifact_type, 'path', path, 'language', language,
                'checksum', checksum, 'size_bytes', size_bytes, 'checksum_verified', content_matches))
                ORDER BY produced_at, reported_by, position)
            FROM artifacts WHERE producer_seq = record.seq), '[]') AS outputs
         FROM provenance_records record "
        )
    };
}

pub(super) use select_records;

/// A record as it lies in the database, with its outputs.
#[derive(QueryableByName)]
#[diesel(table_name = provenance_records, check_for_backend(diesel::pg::Pg))]
pub(super) struct FoundRow {
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
    cost_micros: Option<i64>,
    price_version: Option<String>,
    #[diesel(sql_type = Jsonb)]
    outputs: Value,
}

impl FoundRow {
    /// As users see it.
    pub(super) fn view(self) -> QueryResult<RecordView> {
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
            cost: cost(self.cost_micros, self.price_version),
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

fn cost(micros: Option<i64>, price_version: Option<String>) -> Option<RecordCost> {
    Some(RecordCost { micro_units: u64::try_from(micros?).ok()?, price_version: price_version? })
}

fn read<T: DeserializeOwned>(value: Value) -> QueryResult<T> {
    serde_json::from_value(value).map_err(unreadable)
}

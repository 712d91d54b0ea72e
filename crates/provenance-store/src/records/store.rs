//! SQL of records and of what is known of attempts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Binary, Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::chained::ChangedRecord;
use super::projection::Marks;
use super::rows::{AttemptRow, RecordRow};
use crate::schema::{provenance_records, task_attempts};
use crate::statement::statement;

/// A record as it was found.
#[derive(Debug, Clone)]
pub(super) struct StoredRecord {
    pub(super) seq: i64,
    pub(super) row: RecordRow,
    pub(super) marks: Marks,
}

/// The records with these ids, as far as there are any.
pub(super) async fn list_records(
    conn: &AsyncPgConnection,
    provenance_ids: &[Uuid],
) -> QueryResult<Vec<StoredRecord>> {
    use provenance_records as records;
    if provenance_ids.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<(i64, bool, bool, RecordRow)> = provenance_records::table
        .filter(records::provenance_id.eq_any(provenance_ids))
        .select((records::seq, records::is_tainted, records::is_suspect, RecordRow::as_select()))
        .load(&mut &*conn)
        .await?;
    let with_marks = found.into_iter().map(|(seq, is_tainted, is_suspect, row)| StoredRecord {
        seq,
        row,
        marks: Marks { is_tainted, is_suspect },
    });
    Ok(with_marks.collect())
}

/// The highest attempt of each of these tasks that has a record.
pub(super) async fn list_recorded_attempts(
    conn: &mut AsyncPgConnection,
    task_ids: &[Uuid],
) -> QueryResult<Vec<(Uuid, Option<i32>)>> {
    provenance_records::table
        .filter(provenance_records::task_id.eq_any(task_ids))
        .group_by(provenance_records::task_id)
        .select((provenance_records::task_id, diesel::dsl::max(provenance_records::attempt)))
        .load(conn)
        .await
}

/// What is known of every attempt of these tasks.
pub(super) async fn list_attempts(
    conn: &AsyncPgConnection,
    task_ids: &[Uuid],
) -> QueryResult<Vec<AttemptRow>> {
    task_attempts::table
        .filter(task_attempts::task_id.eq_any(task_ids))
        .select(AttemptRow::as_select())
        .load(&mut &*conn)
        .await
}

statement!(
    /// Writes what is known of attempts.
    struct SaveAttempts {
        task_id: Vec<Uuid> as Array<SqlUuid>,
        attempt: Vec<i32> as Array<Integer>,
        sequence: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        project_id: Vec<Option<String>> as Array<Nullable<Text>>,
        tier: Vec<Option<String>> as Array<Nullable<Text>>,
        domain: Vec<Option<String>> as Array<Nullable<Text>>,
        started_at: Vec<Option<DateTime<Utc>>> as Array<Nullable<Timestamptz>>,
        verdict: Vec<Option<Value>> as Array<Nullable<Jsonb>>,
        request_id: Vec<Option<Uuid>> as Array<Nullable<SqlUuid>>,
    }
    "INSERT INTO task_attempts
        (task_id, attempt, sequence, project_id, tier, domain, started_at, verdict, request_id)
     SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (task_id, attempt) DO UPDATE SET
        sequence = EXCLUDED.sequence, project_id = EXCLUDED.project_id, tier = EXCLUDED.tier,
        domain = EXCLUDED.domain, started_at = EXCLUDED.started_at, verdict = EXCLUDED.verdict,
        request_id = EXCLUDED.request_id"
);

/// Writes these rows, new or changed.
pub(super) async fn save_attempts(conn: &AsyncPgConnection, rows: Vec<AttemptRow>) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut save = SaveAttempts::default();
    for row in rows {
        save.task_id.push(row.task_id);
        save.attempt.push(row.attempt);
        save.sequence.push(row.sequence);
        save.project_id.push(row.project_id);
        save.tier.push(row.tier);
        save.domain.push(row.domain);
        save.started_at.push(row.started_at);
        save.verdict.push(row.verdict);
        save.request_id.push(row.request_id);
    }
    save.execute(&mut &*conn).await?;
    Ok(())
}

statement!(
    /// Writes records; of those that are known, marks and age are left as they are.
    struct SaveRecords {
        provenance_id: Vec<Uuid> as Array<SqlUuid>,
        task_id: Vec<Uuid> as Array<SqlUuid>,
        attempt: Vec<i32> as Array<Integer>,
        report_kind: Vec<String> as Array<Text>,
        reported_at: Vec<DateTime<Utc>> as Array<Timestamptz>,
        reported_by: Vec<Uuid> as Array<SqlUuid>,
        project_id: Vec<Option<String>> as Array<Nullable<Text>>,
        tier: Vec<Option<String>> as Array<Nullable<Text>>,
        domain: Vec<Option<String>> as Array<Nullable<Text>>,
        model_used: Vec<Option<String>> as Array<Nullable<Text>>,
        worker_id: Vec<Option<String>> as Array<Nullable<Text>>,
        tokens_input: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        tokens_output: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        execution_time_ms: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        confidence: Vec<Option<f64>> as Array<Nullable<Double>>,
        execution: Vec<Value> as Array<Jsonb>,
        inputs: Vec<Value> as Array<Jsonb>,
        inputs_read_at: Vec<DateTime<Utc>> as Array<Timestamptz>,
        started_at: Vec<Option<DateTime<Utc>>> as Array<Nullable<Timestamptz>>,
        completed_at: Vec<Option<DateTime<Utc>>> as Array<Nullable<Timestamptz>>,
        filled_in: Vec<Value> as Array<Jsonb>,
        content_digest: Vec<Vec<u8>> as Array<Binary>,
        verdict: Vec<String> as Array<Text>,
        verification: Vec<Option<Value>> as Array<Nullable<Jsonb>>,
        verified_at: Vec<Option<DateTime<Utc>>> as Array<Nullable<Timestamptz>>,
        cost_micros: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        price_version: Vec<Option<String>> as Array<Nullable<Text>>,
        chain_position: Vec<i64> as Array<BigInt>,
        cleared_wave: Vec<i64> as Array<BigInt>,
        created_at: Vec<Option<DateTime<Utc>>> as Array<Nullable<Timestamptz>>,
    }
    "INSERT INTO provenance_records (
        provenance_id, task_id, attempt, report_kind, reported_at, reported_by, project_id, tier, domain,
        model_used, worker_id, tokens_input, tokens_output, execution_time_ms, confidence, execution, inputs,
        inputs_read_at, started_at, completed_at, filled_in, content_digest, verdict, verification, verified_at,
        cost_micros, price_version, chain_position, cleared_wave, created_at)
     SELECT
        provenance_id, task_id, attempt, report_kind, reported_at, reported_by, project_id, tier, domain,
        model_used, worker_id, tokens_input, tokens_output, execution_time_ms, confidence, execution, inputs,
        inputs_read_at, started_at, completed_at, filled_in, content_digest, verdict, verification, verified_at,
        cost_micros, price_version, chain_position,
        cleared_wave, COALESCE(created_at, clock_timestamp())
     FROM UNNEST(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, $25, $26, $27, $28, $29, $30) AS told (
        provenance_id, task_id, attempt, report_kind, reported_at, reported_by, project_id, tier, domain,
        model_used, worker_id, tokens_input, tokens_output, execution_time_ms, confidence, execution, inputs,
        inputs_read_at, started_at, completed_at, filled_in, content_digest, verdict, verification, verified_at,
        cost_micros, price_version, chain_position,
        cleared_wave, created_at)
     ON CONFLICT (provenance_id) DO UPDATE SET
        report_kind = EXCLUDED.report_kind, reported_at = EXCLUDED.reported_at,
        reported_by = EXCLUDED.reported_by, project_id = EXCLUDED.project_id, tier = EXCLUDED.tier,
        domain = EXCLUDED.domain, model_used = EXCLUDED.model_used, worker_id = EXCLUDED.worker_id,
        tokens_input = EXCLUDED.tokens_input, tokens_output = EXCLUDED.tokens_output,
        execution_time_ms = EXCLUDED.execution_time_ms, confidence = EXCLUDED.confidence,
        execution = EXCLUDED.execution, inputs = EXCLUDED.inputs, inputs_read_at = EXCLUDED.inputs_read_at,
        started_at = EXCLUDED.started_at, completed_at = EXCLUDED.completed_at,
        filled_in = EXCLUDED.filled_in, content_digest = EXCLUDED.content_digest,
        verdict = EXCLUDED.verdict, verification = EXCLUDED.verification, verified_at = EXCLUDED.verified_at,
        cost_micros = EXCLUDED.cost_micros, price_version = EXCLUDED.price_version,
        chain_position = EXCLUDED.chain_position
     RETURNING provenance_id, seq, created_at"
);

/// Where a record was written.
#[derive(QueryableByName)]
struct Saved {
    #[diesel(sql_type = SqlUuid)]
    provenance_id: Uuid,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

/// What the database decides of a record when it is written first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its place in the record order.
    pub(crate) seq: i64,
    /// When it was written first.
    pub(crate) created_at: DateTime<Utc>,
}

/// Writes these records, new or changed, each with the place of its latest revision in its project's chain; gives
/// their places in the record order.
pub(super) async fn save_records(
    conn: &mut AsyncPgConnection,
    records: impl IntoIterator<Item = (&ChangedRecord, i64)>,
) -> QueryResult<HashMap<Uuid, Place>> {
    let mut save = SaveRecords::default();
    for (record, chain_position) in records {
        save.push(record.row.clone());
        save.chain_position.push(chain_position);
        save.cleared_wave.push(record.beginning.cleared_wave);
        save.created_at.push(record.beginning.created_at);
    }
    if save.provenance_id.is_empty() {
        return Ok(HashMap::new());
    }
    let saved: Vec<Saved> = save.load(conn).await?;
    let place = |saved: &Saved| Place { seq: saved.seq, created_at: saved.created_at };
    Ok(saved.iter().map(|saved| (saved.provenance_id, place(saved))).collect())
}

impl SaveRecords {
    fn push(&mut self, row: RecordRow) {
        self.provenance_id.push(row.provenance_id);
        self.task_id.push(row.task_id);
        self.attempt.push(row.attempt);
        self.report_kind.push(row.report_kind);
        self.reported_at.push(row.reported_at);
        self.reported_by.push(row.reported_by);
        self.project_id.push(row.project_id);
        self.tier.push(row.tier);
        self.domain.push(row.domain);
        self.model_used.push(row.model_used);
        self.worker_id.push(row.worker_id);
        self.tokens_input.push(row.tokens_input);
        self.tokens_output.push(row.tokens_output);
        self.execution_time_ms.push(row.execution_time_ms);
        self.confidence.push(row.confidence);
        self.execution.push(row.execution);
        self.inputs.push(row.inputs);
        self.inputs_read_at.push(row.inputs_read_at);
        self.started_at.push(row.started_at);
        self.completed_at.push(row.completed_at);
        self.filled_in.push(row.filled_in);
        self.content_digest.push(row.content_digest);
        self.verdict.push(row.verdict);
        self.verification.push(row.verification);
        self.verified_at.push(row.verified_at);
        self.cost_micros.push(row.cost_micros);
        self.price_version.push(row.price_version);
    }
}

//! Writes a record from its columns, in the form of the earlier system's files.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Jsonb, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::events::{Artifact, Input, JsonObject};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::records::Verdict;
use crate::records::rows::unreadable;
use crate::schema::provenance_records;
use crate::statement::statement;

statement!(
    /// Records with their outputs, and the files that they came from.
    struct ReadRecords { seq: Vec<i64> as Array<BigInt> }
    "SELECT record.*, file.file, file.body, file.content_digest AS imported_digest, COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'artifact_id', artifact_id, 'type', artifact_type, 'path', path, 'language', language,
            'checksum', checksum, 'size_bytes', size_bytes) ORDER BY produced_at, reported_by, position)
        FROM artifacts WHERE producer_seq = record.seq), '[]') AS outputs
     FROM provenance_records record
     LEFT JOIN imported_files file ON file.record_seq = record.seq
     WHERE record.seq = ANY ($1) ORDER BY record.seq"
);

/// A record to be written.
#[derive(Debug, QueryableByName)]
#[diesel(table_name = provenance_records, check_for_backend(diesel::pg::Pg))]
pub(super) struct WrittenRow {
    pub(super) seq: i64,
    pub(super) provenance_id: Uuid,
    pub(super) task_id: Uuid,
    attempt: i32,
    pub(super) project_id: Option<String>,
    tier: Option<String>,
    domain: Option<String>,
    pub(super) model_used: Option<String>,
    pub(super) worker_id: Option<String>,
    tokens_input: Option<i64>,
    tokens_output: Option<i64>,
    execution_time_ms: Option<i64>,
    confidence: Option<f64>,
    execution: Value,
    inputs: Value,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) completed_at: Option<DateTime<Utc>>,
    pub(super) content_digest: Vec<u8>,
    pub(super) verdict: String,
    verification: Option<Value>,
    pub(super) is_tainted: bool,
    pub(super) tainted_at: Option<DateTime<Utc>>,
    pub(super) tainted_reason: Option<String>,
    pub(super) tainted_by: Option<String>,
    pub(super) is_suspect: bool,
    pub(super) suspect_since: Option<DateTime<Utc>>,
    pub(super) suspect_source: Option<String>,
    pub(super) status: String,
    pub(super) created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) file: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) body: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub(super) imported_digest: Option<Vec<u8>>,
    #[diesel(sql_type = Jsonb)]
    outputs: Value,
}

/// The records at these places, in the record order.
pub(super) async fn list_rows(conn: &mut AsyncPgConnection, seq: Vec<i64>) -> QueryResult<Vec<WrittenRow>> {
    if seq.is_empty() {
        return Ok(Vec::new());
    }
    ReadRecords { seq }.load(conn).await
}

/// A time as files have it: UTC without a zone, the fraction left out where it is zero.
pub(super) fn file_time(time: DateTime<Utc>) -> String {
    let fraction =
        if time.timestamp_subsec_micros() == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
    time.format(fraction).to_string()
}

/// The record in the form of a file.
///
/// # Errors
/// If something else than this service wrote the row.
pub(super) fn write(row: WrittenRow) -> QueryResult<JsonObject> {
    let outputs: Vec<Artifact> = read(row.outputs.clone())?;
    let inputs: Vec<Input> = read(row.inputs.clone())?;
    let verdict: Option<Verdict> = row.verification.clone().map(read).transpose()?;
    let details = verdict.as_ref().map_or(
        Value::Null,
        |verdict| json!({ "score": verdict.score, "issues": verdict.issues, "reason": verdict.reason }),
    );
    let execution = row.execution.as_object().cloned().unwrap_or_default();
    let template = execution.get("prompt_template").cloned().unwrap_or_else(|| json!({}));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (model, worker) = (text(&row.model_used), text(&row.worker_id));
    let metrics = json!({
        "tokens_input": row.tokens_input.unwrap_or_default(),
        "tokens_output": row.tokens_output.unwrap_or_default(),
        "execution_time_ms": row.execution_time_ms.unwrap_or_default(),
    });
    let mut record = object(json!({
        "id": row.provenance_id.to_string(),
        "task_id": row.task_id.to_string(),
        "project_id": text(&row.project_id),
        "outputs": outputs.iter().map(output).collect::<Vec<_>>(),
        "inputs": inputs.iter().map(input).collect::<Vec<_>>(),
        "inputs_consumed": inputs.iter().map(|input| &input.artifact_id).collect::<Vec<_>>(),
        "execution": {
            "model": model,
            "worker_id": worker,
            "prompt_template": template,
            "parameters": execution.get("parameters").cloned().unwrap_or_else(|| json!({})),
        },
        "model_used": model,
        "worker_id": worker,
        "prompt_template": template,
        "verification": {
            "status": row.status,
            "qa_profile": "",
            "qa_result_id": "",
            "verified_at": verdict.as_ref().map(|verdict| file_time(verdict.at.to_utc())),
            "verified_by": verdict.as_ref().and_then(|verdict| verdict.verified_by.clone()).unwrap_or_default(),
            "details": if details.is_null() { json!({}) } else { details.clone() },
        },
        "confidence": row.confidence,
        "verification_status": row.status,
        "verification_details": details,
        "taint": taint(&row),
        "created_at": file_time(row.created_at),
        "started_at": row.started_at.map(file_time),
        "completed_at": row.completed_at.map(file_time),
        "metrics": metrics,
        "attempt": row.attempt,
    }));
    // What nobody told stays out at the top, so that it is not read as zero.
    let told = [
        ("tokens_input", row.tokens_input.map(Value::from)),
        ("tokens_output", row.tokens_output.map(Value::from)),
        ("execution_time_ms", row.execution_time_ms.map(Value::from)),
        ("tier", row.tier.map(Value::from)),
        ("domain", row.domain.map(Value::from)),
    ];
    record.extend(told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Ok(record)
}

/// The marks in the form of a file.
pub(super) fn taint(row: &WrittenRow) -> Value {
    json!({
        "is_tainted": row.is_tainted,
        "tainted_at": row.tainted_at.map(file_time),
        "tainted_reason": row.tainted_reason.clone().unwrap_or_default(),
        "tainted_by": row.tainted_by.clone().unwrap_or_default(),
        "is_suspect": row.is_suspect,
        "suspect_since": row.suspect_since.map(file_time),
        "suspect_source": row.suspect_source.clone().unwrap_or_default(),
    })
}

fn output(artifact: &Artifact) -> Value {
    let mut output = object(json!({
        "artifact_id": artifact.artifact_id,
        "type": artifact.artifact_type,
        "location": artifact.path.clone().unwrap_or_default(),
        "checksum": artifact.checksum.clone().unwrap_or_default(),
    }));
    output.extend(artifact.size_bytes.map(|size| ("size_bytes".to_owned(), json!(size))));
    output.extend(artifact.language.clone().map(|language| ("language".to_owned(), json!(language))));
    Value::Object(output)
}

fn input(input: &Input) -> Value {
    json!({
        "artifact_id": input.artifact_id,
        "relationship": input.relationship,
        "version_at_consumption": input.checksum.clone().unwrap_or_default(),
    })
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(members) => members,
        _ => JsonObject::new(),
    }
}

fn read<T: DeserializeOwned>(value: Value) -> QueryResult<T> {
    serde_json::from_value(value).map_err(unreadable)
}

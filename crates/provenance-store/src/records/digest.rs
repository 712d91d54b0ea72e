//! Fingerprints of what was reported and of whole records: what is equal has equal digests, any change gives another.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use protocol::TaskId;
use protocol::events::{Artifact, Input, JsonObject};
use serde::{Serialize, Serializer};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::attempt::AttemptKey;
use super::report::{Produced, Reported};
use super::rows::RecordRow;
use super::store::Place;

/// The canonical form: members in this order, outputs sorted by artifact id, inputs as they were listed, absent members null.
#[derive(Serialize)]
struct Canonical<'a> {
    task_id: TaskId,
    attempt: u32,
    kind: &'a str,
    reported_at: String,
    reported_by: String,
    project_id: Option<&'a str>,
    tier: Option<&'a str>,
    domain: Option<&'a str>,
    model_used: Option<&'a str>,
    worker_id: Option<&'a str>,
    tokens_input: Option<u64>,
    tokens_output: Option<u64>,
    execution_time_ms: Option<u64>,
    confidence: Option<f64>,
    execution: BTreeMap<&'a str, Sorted<'a>>,
    started_at: Option<String>,
    outputs: Vec<Output<'a>>,
    inputs: Vec<Input>,
}

/// An output, and what decides which of several versions is the newest.
#[derive(Serialize)]
struct Output<'a> {
    artifact: &'a Artifact,
    content_matches: Option<bool>,
    produced_at: String,
    reported_by: String,
    position: u32,
}

impl<'a> From<&'a Produced> for Output<'a> {
    fn from(produced: &'a Produced) -> Self {
        Self {
            artifact: &produced.artifact,
            content_matches: produced.content_matches,
            produced_at: produced.produced_at.to_string(),
            reported_by: produced.reported_by.to_string(),
            position: produced.position,
        }
    }
}

/// SHA-256 over the canonical form of everything reported about the attempt.
///
/// # Errors
/// Only if a number is not a JSON number, which nothing that came as JSON can hold.
pub fn content_digest(key: AttemptKey, reported: &Reported) -> serde_json::Result<[u8; 32]> {
    let report = &reported.report;
    let canonical = Canonical {
        task_id: key.task_id,
        attempt: key.attempt,
        kind: report.key.kind.as_str(),
        reported_at: report.key.at.to_string(),
        reported_by: report.key.event_id.to_string(),
        project_id: report.project_id.as_ref().map(AsRef::as_ref),
        tier: report.tier.as_ref().map(|tier| tier.as_str()),
        domain: report.domain.as_ref().map(|domain| domain.as_str()),
        model_used: report.model_used.as_deref(),
        worker_id: report.worker_id.as_deref(),
        tokens_input: report.tokens_input,
        tokens_output: report.tokens_output,
        execution_time_ms: report.execution_time_ms,
        confidence: report.confidence,
        execution: sorted(&report.execution),
        started_at: report.started_at.map(|time| time.to_string()),
        outputs: reported.outputs.values().map(Output::from).collect(),
        inputs: reported.inputs().map(|(_, input)| input).collect(),
    };
    Ok(Sha256::digest(serde_json::to_vec(&canonical)?).into())
}

/// A whole record as it lies in the database, marks excepted: members in this order.
#[derive(Serialize)]
struct CanonicalRow<'a> {
    seq: i64,
    created_at: i64,
    provenance_id: Uuid,
    task_id: Uuid,
    attempt: i32,
    report_kind: &'a str,
    reported_at: i64,
    reported_by: Uuid,
    project_id: Option<&'a str>,
    tier: Option<&'a str>,
    domain: Option<&'a str>,
    model_used: Option<&'a str>,
    worker_id: Option<&'a str>,
    tokens_input: Option<i64>,
    tokens_output: Option<i64>,
    execution_time_ms: Option<i64>,
    confidence: Option<f64>,
    execution: Sorted<'a>,
    inputs: Sorted<'a>,
    inputs_read_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    filled_in: Sorted<'a>,
    content_digest: &'a [u8],
    verdict: &'a str,
    verification: Option<Sorted<'a>>,
    verified_at: Option<i64>,
    cost_micros: Option<i64>,
    price_version: Option<&'a str>,
}

/// SHA-256 over the canonical form of everything that a record says, marks excepted. What its outputs say is in it by
/// way of the content digest.
///
/// # Errors
/// Only if a number is not a JSON number, which the database does not hold.
pub(super) fn revision_digest(row: &RecordRow, place: Place) -> serde_json::Result<[u8; 32]> {
    let micros = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_micros());
    let canonical = CanonicalRow {
        seq: place.seq,
        created_at: place.created_at.timestamp_micros(),
        provenance_id: row.provenance_id,
        task_id: row.task_id,
        attempt: row.attempt,
        report_kind: &row.report_kind,
        reported_at: row.reported_at.timestamp_micros(),
        reported_by: row.reported_by,
        project_id: row.project_id.as_deref(),
        tier: row.tier.as_deref(),
        domain: row.domain.as_deref(),
        model_used: row.model_used.as_deref(),
        worker_id: row.worker_id.as_deref(),
        tokens_input: row.tokens_input,
        tokens_output: row.tokens_output,
        execution_time_ms: row.execution_time_ms,
        confidence: row.confidence,
        execution: Sorted(&row.execution),
        inputs: Sorted(&row.inputs),
        inputs_read_at: row.inputs_read_at.timestamp_micros(),
        started_at: micros(row.started_at),
        completed_at: micros(row.completed_at),
        filled_in: Sorted(&row.filled_in),
        content_digest: &row.content_digest,
        verdict: &row.verdict,
        verification: row.verification.as_ref().map(Sorted),
        verified_at: micros(row.verified_at),
        cost_micros: row.cost_micros,
        price_version: row.price_version.as_deref(),
    };
    Ok(Sha256::digest(serde_json::to_vec(&canonical)?).into())
}

/// An object as text that is the same for equal objects, in whatever order their members came.
///
/// # Errors
/// None for what came as JSON.
pub(crate) fn canonical(members: &JsonObject) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&sorted(members))
}

/// As [`canonical`], for any value.
///
/// # Errors
/// None for what came as JSON.
pub(crate) fn canonical_value(value: &Value) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Sorted(value))
}

/// A JSON value whose objects are written in the order of their keys; the database keeps another order.
pub(super) struct Sorted<'a>(pub(super) &'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => sorted(members).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Value::Number(number) => match whole(number) {
                Some(whole) => whole.serialize(serializer),
                None => number.serialize(serializer),
            },
            scalar => scalar.serialize(serializer),
        }
    }
}

/// A number that is whole however it is written, as the database gives it back: it keeps neither the sign of nothing
/// nor exponents, and of a large float the shortest text that stands for it, which is read as that whole number.
fn whole(number: &Number) -> Option<i128> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0)?;
    // Beyond this, texts of whole numbers are read as floats again.
    if float.abs() >= 18_446_744_073_709_551_616.0 {
        return None;
    }
    let written: i128 = float.to_string().parse().ok()?;
    let is_read_as_whole = u64::try_from(written).is_ok() || i64::try_from(written).is_ok();
    Some(if is_read_as_whole { written } else { float as i128 })
}

fn sorted(members: &JsonObject) -> BTreeMap<&str, Sorted<'_>> {
    members.iter().map(|(name, value)| (name.as_str(), Sorted(value))).collect()
}

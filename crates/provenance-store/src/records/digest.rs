//! The fingerprint of what was reported: equal reports give equal digests, any change gives another.

use std::collections::BTreeMap;

use protocol::TaskId;
use protocol::events::{Artifact, Input, JsonObject};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::attempt::AttemptKey;
use super::report::Reported;

/// The canonical form: members in this order, outputs and inputs sorted by artifact id, absent members null.
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
    outputs: Vec<&'a Artifact>,
    inputs: Vec<Input>,
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
        outputs: reported.outputs.values().map(|produced| &produced.artifact).collect(),
        inputs: reported.inputs().collect(),
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
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => sorted(members).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            scalar => scalar.serialize(serializer),
        }
    }
}

fn sorted(members: &JsonObject) -> BTreeMap<&str, Sorted<'_>> {
    members.iter().map(|(name, value)| (name.as_str(), Sorted(value))).collect()
}

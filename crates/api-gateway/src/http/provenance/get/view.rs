//! A provenance record as clients see it (contract 1.5).

use protocol::events::{Input, JsonObject};
use protocol::provenance_query::{RecordCost, RecordOutput, RecordView, TaintView};
use protocol::vocabulary::{Relationship, VerificationStatus};
use protocol::{ArtifactId, ProjectId, ProvenanceId, TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::vocabulary::{RelationshipWord, VerificationStatusWord};

/// The record of one task attempt. What is not known is `null`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProvenanceRecord)]
pub(crate) struct ProvenanceRecordResponse {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: ProvenanceId,
    /// The task.
    #[schema(value_type = Uuid)]
    task_id: TaskId,
    /// The project.
    #[schema(value_type = Option<String>)]
    project_id: Option<ProjectId>,
    /// The attempt, from 1.
    attempt: u32,
    /// State of its verification.
    #[schema(value_type = VerificationStatusWord)]
    status: VerificationStatus,
    /// With which model.
    model_used: Option<String>,
    /// By which worker or agent.
    worker_id: Option<String>,
    /// The tier.
    tier: Option<String>,
    /// The domain.
    domain: Option<String>,
    /// When the record was written.
    #[schema(value_type = DateTime)]
    created_at: Timestamp,
    /// When the work began.
    #[schema(value_type = Option<DateTime>)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<DateTime>)]
    completed_at: Option<Timestamp>,
    /// Tokens read.
    tokens_input: Option<u64>,
    /// Tokens written.
    tokens_output: Option<u64>,
    /// How long it took, in milliseconds.
    execution_time_ms: Option<u64>,
    /// The worker's own confidence, 0 to 1.
    confidence: Option<f64>,
    /// What the tokens cost; `null` where tokens or prices are not known, which is not the same as nothing.
    cost: Option<RecordCostView>,
    /// What was produced.
    outputs: Vec<RecordOutputView>,
    /// What was used.
    inputs_consumed: Vec<RecordInputView>,
    /// The verdict and its details.
    #[schema(value_type = Object)]
    verification: JsonObject,
    /// Whether it can be trusted.
    taint: RecordTaintView,
}

/// What an attempt cost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordCost)]
struct RecordCostView {
    /// In millionths of the currency unit.
    micro_units: u64,
    /// The price list that it was taken from.
    price_version: String,
}

/// An artifact that was produced.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordOutput)]
struct RecordOutputView {
    /// Its id.
    #[schema(value_type = String)]
    artifact_id: ArtifactId,
    /// `code`, `document`, ...
    #[serde(rename = "type")]
    artifact_type: String,
    /// Where it lies, in the worker's terms.
    path: Option<String>,
    /// Programming or natural language.
    language: Option<String>,
    /// SHA-256 of its content.
    checksum: Option<String>,
    /// Its size.
    size_bytes: Option<u64>,
    /// Whether its content has the checksum that was told; `null` where no content came along.
    checksum_verified: Option<bool>,
}

/// An artifact that was used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordInput)]
struct RecordInputView {
    /// Its id.
    #[schema(value_type = String)]
    artifact_id: ArtifactId,
    /// How.
    #[schema(value_type = RelationshipWord)]
    relationship: Relationship,
    /// Its checksum when it was used.
    checksum: Option<String>,
}

/// A record's marks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordTaint)]
pub(in crate::http::provenance) struct RecordTaintView {
    /// Found wrong.
    is_tainted: bool,
    /// When.
    #[schema(value_type = Option<DateTime>)]
    tainted_at: Option<Timestamp>,
    /// Why.
    tainted_reason: Option<String>,
    /// Built on something found wrong.
    is_suspect: bool,
    /// Since when.
    #[schema(value_type = Option<DateTime>)]
    suspect_since: Option<Timestamp>,
    /// The artifact that led to it.
    suspect_source: Option<String>,
    /// The cascade that marked it.
    cascade_id: Option<String>,
}

impl From<RecordView> for ProvenanceRecordResponse {
    fn from(record: RecordView) -> Self {
        Self {
            id: record.id,
            task_id: record.task_id,
            project_id: record.project_id,
            attempt: record.attempt,
            status: record.status,
            model_used: record.model_used,
            worker_id: record.worker_id,
            tier: record.tier,
            domain: record.domain,
            created_at: record.created_at,
            started_at: record.started_at,
            completed_at: record.completed_at,
            tokens_input: record.tokens_input,
            tokens_output: record.tokens_output,
            execution_time_ms: record.execution_time_ms,
            confidence: record.confidence,
            cost: record.cost.map(Into::into),
            outputs: record.outputs.into_iter().map(Into::into).collect(),
            inputs_consumed: record.inputs_consumed.into_iter().map(Into::into).collect(),
            verification: record.verification,
            taint: record.taint.into(),
        }
    }
}

impl From<RecordCost> for RecordCostView {
    fn from(cost: RecordCost) -> Self {
        Self { micro_units: cost.micro_units, price_version: cost.price_version }
    }
}

impl From<RecordOutput> for RecordOutputView {
    fn from(output: RecordOutput) -> Self {
        let artifact = output.artifact;
        Self {
            checksum_verified: output.checksum_verified,
            artifact_id: artifact.artifact_id,
            artifact_type: artifact.artifact_type,
            path: artifact.path,
            language: artifact.language,
            checksum: artifact.checksum,
            size_bytes: artifact.size_bytes,
        }
    }
}

impl From<Input> for RecordInputView {
    fn from(input: Input) -> Self {
        Self { artifact_id: input.artifact_id, relationship: input.relationship, checksum: input.checksum }
    }
}

impl From<TaintView> for RecordTaintView {
    fn from(taint: TaintView) -> Self {
        Self {
            is_tainted: taint.is_tainted,
            tainted_at: taint.tainted_at,
            tainted_reason: taint.tainted_reason,
            is_suspect: taint.is_suspect,
            suspect_since: taint.suspect_since,
            suspect_source: taint.suspect_source,
            cascade_id: taint.cascade_id,
        }
    }
}

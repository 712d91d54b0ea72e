//! Records and attempts as they lie in the database, and the way there and back.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::{Queryable, QueryableByName, Selectable};
use diesel::{QueryResult, result::Error};
use protocol::events::{Input, JsonObject};
use protocol::{ArtifactId, EventId, ProjectId, RequestId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::attempt::{Announced, Attempt, AttemptFacts, AttemptKey, Record};
use super::projection::{FilledIn, Marks, Projection};
use super::report::{Report, ReportKey, ReportKind, Reported, Use};
use super::translation::text::clean_value;
use super::verdict::Verdict;
use crate::artifacts::Outputs;
use crate::costs::PriceList;
use crate::schema::{provenance_records, task_attempts};

/// What events decide of a row of `provenance_records`.
#[derive(Debug, Clone, PartialEq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = provenance_records, check_for_backend(Pg))]
pub(crate) struct RecordRow {
    pub(crate) provenance_id: Uuid,
    pub(crate) task_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) report_kind: String,
    pub(crate) reported_at: DateTime<Utc>,
    pub(crate) reported_by: Uuid,
    pub(crate) project_id: Option<String>,
    pub(crate) tier: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) model_used: Option<String>,
    pub(crate) worker_id: Option<String>,
    pub(crate) tokens_input: Option<i64>,
    pub(crate) tokens_output: Option<i64>,
    pub(crate) execution_time_ms: Option<i64>,
    pub(crate) confidence: Option<f64>,
    pub(crate) execution: Value,
    pub(crate) inputs: Value,
    pub(crate) inputs_read_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
    pub(crate) filled_in: Value,
    pub(crate) content_digest: Vec<u8>,
    pub(crate) verdict: String,
    pub(crate) verification: Option<Value>,
    pub(crate) verified_at: Option<DateTime<Utc>>,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) price_version: Option<String>,
}

impl RecordRow {
    /// The row of an attempt's record.
    pub(crate) fn project(attempt: &Attempt, record: &Record, digest: Vec<u8>) -> QueryResult<Self> {
        let report = &record.reported.report;
        let shown = Projection::of(report, &attempt.facts);
        let verdict = attempt.facts.verdict.as_ref();
        Ok(Self {
            provenance_id: attempt.key.provenance_id().as_uuid(),
            task_id: attempt.key.task_id.as_uuid(),
            attempt: signed(attempt.key.attempt)?,
            report_kind: report.key.kind.as_str().to_owned(),
            reported_at: report.key.at.to_utc(),
            reported_by: report.key.event_id.as_uuid(),
            project_id: shown.project_id.map(String::from),
            tier: shown.tier.map(String::from),
            domain: shown.domain.map(String::from),
            model_used: report.model_used.clone(),
            worker_id: report.worker_id.clone(),
            tokens_input: report.tokens_input.map(signed).transpose()?,
            tokens_output: report.tokens_output.map(signed).transpose()?,
            execution_time_ms: shown.execution_time_ms.map(signed).transpose()?,
            confidence: report.confidence,
            execution: Value::Object(report.execution.clone()),
            inputs: to_json(&record.reported.inputs().map(StoredInput::of).collect::<Vec<_>>())?,
            inputs_read_at: report.inputs_read_at().to_utc(),
            started_at: shown.started_at.map(|time| time.to_utc()),
            completed_at: Some(report.key.at.to_utc()),
            filled_in: to_json(&shown.filled_in)?,
            content_digest: digest,
            verdict: verdict.map_or("pending", |verdict| verdict.outcome.status().as_str()).to_owned(),
            verification: verdict.map(verdict_to_json).transpose()?,
            verified_at: verdict.map(|verdict| verdict.at.to_utc()),
            cost_micros: None,
            price_version: None,
        })
    }

    /// Sets what the work cost. A cost that is known stays as it was found as long as tier and tokens do: prices of
    /// today are not those of then.
    pub(super) fn price(&mut self, stored: Option<&Self>, prices: &PriceList) {
        let basis = |row: &Self| (row.tier.clone(), row.tokens_input, row.tokens_output);
        let known = stored.filter(|stored| stored.cost_micros.is_some() && basis(stored) == basis(self));
        (self.cost_micros, self.price_version) = match known {
            Some(stored) => (stored.cost_micros, stored.price_version.clone()),
            None => prices.cost(self.tier.as_deref(), self.tokens_input, self.tokens_output).unzip(),
        };
    }

    /// The record that this row came from. `outputs` may be left empty where no report is to be united with it.
    pub(super) fn record(&self, marks: Marks, outputs: Outputs) -> QueryResult<Record> {
        let filled_in: Vec<FilledIn> = from_json(self.filled_in.clone())?;
        let told = |member: FilledIn| !filled_in.contains(&member);
        let kind = if self.report_kind == ReportKind::Output.as_str() {
            ReportKind::Output
        } else {
            ReportKind::Result
        };
        let inputs: Vec<StoredInput> = from_json(self.inputs.clone())?;
        let project_id = self.project_id.clone().map(ProjectId::new).transpose().map_err(unreadable)?;
        let report = Report {
            key: ReportKey { kind, at: self.reported_at.into(), event_id: EventId(self.reported_by) },
            project_id: project_id.filter(|_| told(FilledIn::ProjectId)),
            tier: self.tier.clone().filter(|_| told(FilledIn::Tier)).map(Into::into),
            domain: self.domain.clone().filter(|_| told(FilledIn::Domain)).map(Into::into),
            model_used: self.model_used.clone(),
            worker_id: self.worker_id.clone(),
            tokens_input: self.tokens_input.map(unsigned).transpose()?,
            tokens_output: self.tokens_output.map(unsigned).transpose()?,
            execution_time_ms: self
                .execution_time_ms
                .filter(|_| told(FilledIn::ExecutionTimeMs))
                .map(unsigned)
                .transpose()?,
            confidence: self.confidence,
            execution: from_json::<JsonObject>(self.execution.clone())?,
            started_at: self.started_at.filter(|_| told(FilledIn::StartedAt)).map(Into::into),
        };
        let reported =
            Reported { report, outputs, inputs: inputs.into_iter().map(StoredInput::key_and_use).collect() };
        Ok(Record { reported, marks })
    }
}

/// An input as it lies in the database.
#[derive(Debug, Serialize, Deserialize)]
struct StoredInput {
    #[serde(flatten)]
    input: Input,
    position: u32,
}

impl StoredInput {
    fn of((position, input): (u32, Input)) -> Self {
        Self { input, position }
    }

    fn key_and_use(self) -> ((ArtifactId, Option<String>), Use) {
        let Input { artifact_id, relationship, checksum } = self.input;
        ((artifact_id, checksum), Use { relationship, position: self.position })
    }
}

/// A row of `task_attempts`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = task_attempts, check_for_backend(Pg))]
pub(super) struct AttemptRow {
    pub(super) task_id: Uuid,
    pub(super) attempt: i32,
    pub(super) sequence: Option<i64>,
    pub(super) project_id: Option<String>,
    pub(super) tier: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) verdict: Option<Value>,
    pub(super) request_id: Option<Uuid>,
}

impl AttemptRow {
    /// The row of what is known of an attempt.
    pub(super) fn of(key: AttemptKey, facts: &AttemptFacts) -> QueryResult<Self> {
        let announced = facts.announced.as_ref();
        Ok(Self {
            task_id: key.task_id.as_uuid(),
            attempt: signed(key.attempt)?,
            sequence: announced.map(|announced| signed(announced.sequence)).transpose()?,
            project_id: announced.map(|announced| announced.project_id.to_string()),
            tier: announced.and_then(|announced| announced.tier.clone()).map(String::from),
            domain: announced.and_then(|announced| announced.domain.clone()).map(String::from),
            started_at: facts.started_at.map(|time| time.to_utc()),
            verdict: facts.verdict.as_ref().map(verdict_to_json).transpose()?,
            request_id: facts.request_id.map(RequestId::as_uuid),
        })
    }

    /// Which attempt it is about.
    pub(super) fn key(&self) -> QueryResult<AttemptKey> {
        Ok(AttemptKey { task_id: self.task_id.into(), attempt: unsigned(self.attempt)? })
    }

    /// What is known of it.
    pub(super) fn facts(self) -> QueryResult<AttemptFacts> {
        let announced = match (self.sequence, self.project_id) {
            (Some(sequence), Some(project_id)) => Some(Announced {
                sequence: unsigned(sequence)?,
                project_id: ProjectId::new(project_id).map_err(unreadable)?,
                tier: self.tier.map(Into::into),
                domain: self.domain.map(Into::into),
            }),
            _ => None,
        };
        Ok(AttemptFacts {
            announced,
            started_at: self.started_at.map(Into::into),
            request_id: self.request_id.map(Into::into),
            verdict: self.verdict.map(from_json).transpose()?,
        })
    }
}

fn signed<Wide, Stored>(number: Wide) -> QueryResult<Stored>
where
    Stored: TryFrom<Wide, Error: std::error::Error + Send + Sync + 'static>,
{
    Stored::try_from(number).map_err(|error| Error::SerializationError(Box::new(error)))
}

fn unsigned<Stored, Wide>(number: Stored) -> QueryResult<Wide>
where
    Wide: TryFrom<Stored, Error: std::error::Error + Send + Sync + 'static>,
{
    Wide::try_from(number).map_err(unreadable)
}

fn to_json(value: &impl Serialize) -> QueryResult<Value> {
    serde_json::to_value(value).map_err(|error| Error::SerializationError(Box::new(error)))
}

/// Wherever its numbers came from: as they will be read.
fn verdict_to_json(verdict: &Verdict) -> QueryResult<Value> {
    to_json(verdict).map(|verdict| clean_value(&verdict))
}

fn from_json<T: DeserializeOwned>(value: Value) -> QueryResult<T> {
    serde_json::from_value(value).map_err(unreadable)
}

/// Something else than this service wrote the row.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::DeserializationError(Box::new(error))
}

//! From events to facts. What cannot be kept is refused here, one event at a time, so that it never reaches the
//! database together with the rest of its batch.

pub(crate) mod text;

use metrics::counter;
use protocol::events::{
    Artifact, Input, JsonObject, ReviewCompleted, TaskCompleted, TaskOutputCreated, TaskRejected,
    TaskStatusChanged, TaskValidated,
};
use protocol::vocabulary::{Phase, ReviewDecision, TaskStatus};
use protocol::{Event, EventData, RequestId, TaskId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::attempt::{Announced, Announcement, Fact};
use super::report::{Produced, Report, ReportKey, ReportKind, Reported};
use super::verdict::{Outcome, Verdict, VerdictSource};
use crate::measurements;
pub(crate) use text::clean;
pub use text::without_nul;
use text::{clean_object, clean_value, label};

/// Most edges that one record may bring into the graph: its inputs times its outputs.
pub(crate) const MAX_EDGES: usize = 100_000;

/// Why an event is not kept. Its text goes into the dead letter's headers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// An event that this service has no use for.
    #[error("{0} is not for the provenance-store")]
    NotForUs(&'static str),
    /// It names nothing that it could be about.
    #[error("it names neither an artifact nor a record")]
    NamesNothing,
    /// Attempts count from 1.
    #[error("attempt {0} is out of range")]
    Attempt(u32),
    /// A number that cannot be meant.
    #[error("{member} is out of range")]
    Number {
        /// Which.
        member: &'static str,
    },
    /// A text that cannot be meant.
    #[error("{member} has more than {max} characters")]
    TooLong {
        /// Which.
        member: &'static str,
        /// Most characters allowed.
        max: usize,
    },
    /// More than the graph takes from one record.
    #[error("{inputs} inputs times {outputs} outputs are more than {MAX_EDGES} edges")]
    TooManyEdges {
        /// Inputs told.
        inputs: usize,
        /// Outputs told.
        outputs: usize,
    },
}

/// A fact, and the attempt that it is about as far as the event tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The task.
    pub task_id: TaskId,
    /// Which pass; the current one when absent.
    pub attempt: Option<u32>,
    /// The hand-over that it answers, which says which pass where `attempt` does not.
    pub request_id: Option<RequestId>,
    /// What was told.
    pub fact: Fact,
}

/// What an event tells of an attempt.
///
/// # Errors
/// Says why the event is not for this service or cannot be kept.
pub fn translate(event: &Event) -> Result<Told, Refused> {
    match &event.data {
        EventData::TaskStatusChanged(change) => status_changed(event, change),
        EventData::TaskOutputCreated(output) => output_created(event, output),
        EventData::TaskCompleted(result) => completed(event, result),
        EventData::TaskValidated(verdict) => validated(event, verdict),
        EventData::TaskRejected(verdict) => rejected(event, verdict),
        EventData::ReviewCompleted(review) => reviewed(event, review),
        other => Err(Refused::NotForUs(other.kind().name())),
    }
}

fn status_changed(event: &Event, change: &TaskStatusChanged) -> Result<Told, Refused> {
    let announced = Announced {
        sequence: stored_number(Some(change.sequence), "sequence")?.unwrap_or_default(),
        project_id: change.project_id.clone(),
        tier: label(change.tier.as_ref(), "tier")?,
        domain: label(change.domain.as_ref(), "domain")?,
    };
    let acceptance = (change.status == TaskStatus::Completed).then(|| Verdict {
        at: change.at,
        verified_by: judge(event),
        ..verdict(event, VerdictSource::Acceptance, Outcome::Passed)
    });
    let executing_since = (change.phase == Phase::Executing).then_some(change.at);
    told(
        change.task_id,
        Some(change.attempt),
        Fact::Announced(Announcement {
            announced,
            executing_since,
            request_id: change.request_id,
            acceptance,
        }),
    )
}

fn output_created(event: &Event, output: &TaskOutputCreated) -> Result<Told, Refused> {
    let report = Report {
        key: report_key(event, ReportKind::Output),
        project_id: output.project_id.clone(),
        tier: label(output.tier.as_ref(), "tier")?,
        domain: label(output.domain.as_ref(), "domain")?,
        model_used: clean(output.model_used.as_ref(), "model_used")?,
        worker_id: clean(output.worker_id.as_ref(), "worker_id")?,
        tokens_input: stored_number(output.tokens_input, "tokens_input")?,
        tokens_output: stored_number(output.tokens_output, "tokens_output")?,
        execution_time_ms: stored_number(output.execution_time_ms, "execution_time_ms")?,
        confidence: output.confidence,
        execution: JsonObject::new(),
        started_at: output.started_at,
    };
    let artifacts = artifacts(output)?;
    let inputs = output.inputs_consumed.iter().map(input).collect::<Result<Vec<_>, _>>()?;
    if artifacts.len().saturating_mul(inputs.len()) > MAX_EDGES {
        return Err(Refused::TooManyEdges { inputs: inputs.len(), outputs: artifacts.len() });
    }
    let mut reported = Reported::new(report, artifacts, inputs);
    if let Some(content) = &output.output.content
        && let Some(main) = reported.outputs.get_mut(&output.artifact_id)
    {
        check_content(main, content);
    }
    told(output.task_id, output.attempt, Fact::Reported(Box::new(reported)))
}

/// The artifacts of an output. The main one comes first, also where the worker did not describe it.
fn artifacts(output: &TaskOutputCreated) -> Result<Vec<Artifact>, Refused> {
    let main = &output.artifact_id;
    let mut artifacts = Vec::with_capacity(output.output.artifacts.len() + 1);
    if !output.output.artifacts.iter().any(|artifact| artifact.artifact_id == *main) {
        artifacts.push(Artifact {
            artifact_id: main.clone(),
            artifact_type: String::new(),
            path: None,
            language: None,
            checksum: None,
            size_bytes: None,
        });
    }
    for artifact in &output.output.artifacts {
        artifacts.push(Artifact {
            artifact_id: artifact.artifact_id.clone(),
            artifact_type: clean(Some(&artifact.artifact_type), "type")?.unwrap_or_default(),
            path: clean(artifact.path.as_ref(), "path")?,
            language: clean(artifact.language.as_ref(), "language")?,
            checksum: clean(artifact.checksum.as_ref(), "checksum")?,
            size_bytes: stored_number(artifact.size_bytes, "size_bytes")?,
        });
    }
    Ok(artifacts)
}

/// The content of the main artifact came along: says whether it is what the checksum says, and describes the artifact
/// by it where the worker did not.
fn check_content(main: &mut Produced, content: &str) {
    let checksum = hex(&Sha256::digest(content));
    let told = main.artifact.checksum.get_or_insert_with(|| checksum.clone());
    let matches = told.trim_start_matches("sha256:").eq_ignore_ascii_case(&checksum);
    if !matches {
        counter!(measurements::FALSE_CHECKSUMS).increment(1);
    }
    main.content_matches = Some(matches);
    main.artifact.size_bytes = main.artifact.size_bytes.or_else(|| u64::try_from(content.len()).ok());
}

fn input(input: &Input) -> Result<Input, Refused> {
    // An empty checksum is how earlier workers say that they do not know it.
    let checksum = clean(input.checksum.as_ref(), "checksum")?.filter(|checksum| !checksum.is_empty());
    Ok(Input { checksum, ..input.clone() })
}

fn completed(event: &Event, result: &TaskCompleted) -> Result<Told, Refused> {
    let details = [
        ("exit_code", result.exit_code.map(Value::from)),
        ("request_id", result.request_id.map(|id| json!(id))),
        ("resources_used", result.resources_used.as_ref().map(|used| Value::Object(clean_object(used)))),
        ("analysis_result", result.analysis_result.as_ref().map(clean_value)),
    ];
    let report = Report {
        key: report_key(event, ReportKind::Result),
        project_id: result.project_id.clone(),
        tier: None,
        domain: None,
        model_used: None,
        worker_id: clean(result.agent_id.as_ref(), "agent_id")?,
        tokens_input: None,
        tokens_output: None,
        execution_time_ms: stored_number(result.duration_ms, "duration_ms")?,
        confidence: None,
        execution: details.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        started_at: None,
    };
    let reported = Reported::new(report, Vec::new(), Vec::new());
    let told = told(result.task_id, result.attempt, Fact::Reported(Box::new(reported)))?;
    Ok(Told { request_id: result.request_id, ..told })
}

fn validated(event: &Event, validated: &TaskValidated) -> Result<Told, Refused> {
    let verdict = Verdict {
        artifact_id: validated.artifact_id.clone(),
        score: validated.score,
        verified_by: judge(event),
        ..verdict(event, VerdictSource::Qa, Outcome::Passed)
    };
    told(validated.task_id, validated.attempt, Fact::Judged(verdict))
}

fn rejected(event: &Event, rejected: &TaskRejected) -> Result<Told, Refused> {
    let verdict = Verdict {
        artifact_id: rejected.artifact_id.clone(),
        issues: rejected.issues.iter().map(clean_value).collect(),
        reason: rejected.reason.as_deref().map(text::without_nul),
        verified_by: judge(event),
        ..verdict(event, VerdictSource::Qa, Outcome::Failed)
    };
    told(rejected.task_id, rejected.attempt, Fact::Judged(verdict))
}

fn reviewed(event: &Event, review: &ReviewCompleted) -> Result<Told, Refused> {
    let outcome = match review.decision {
        ReviewDecision::Approved => Outcome::HumanApproved,
        ReviewDecision::Rejected | ReviewDecision::ChangesRequested => Outcome::Failed,
    };
    let verdict = Verdict {
        issues: review.required_changes.iter().map(|change| json!(text::without_nul(change))).collect(),
        reason: review.comments.as_deref().map(text::without_nul),
        verified_by: clean(review.reviewer_id.as_ref(), "reviewer_id")?.or_else(|| judge(event)),
        ..verdict(event, VerdictSource::Review, outcome)
    };
    told(review.task_id, review.attempt, Fact::Judged(verdict))
}

fn told(task_id: TaskId, attempt: Option<u32>, fact: Fact) -> Result<Told, Refused> {
    match attempt {
        Some(attempt) if attempt == 0 || i32::try_from(attempt).is_err() => Err(Refused::Attempt(attempt)),
        attempt => Ok(Told { task_id, attempt, request_id: None, fact }),
    }
}

fn verdict(event: &Event, source: VerdictSource, outcome: Outcome) -> Verdict {
    Verdict {
        source,
        outcome,
        at: event.time,
        event_id: event.id,
        artifact_id: None,
        score: None,
        issues: Vec::new(),
        reason: None,
        verified_by: None,
    }
}

fn report_key(event: &Event, kind: ReportKind) -> ReportKey {
    ReportKey { kind, at: event.time, event_id: event.id }
}

/// Who judged, as the envelope tells; bare data tells nothing.
fn judge(event: &Event) -> Option<String> {
    Some(text::without_nul(&event.source)).filter(|source| !source.is_empty())
}

/// The database counts to 2^63.
fn stored_number(number: Option<u64>, member: &'static str) -> Result<Option<u64>, Refused> {
    match number {
        Some(number) if i64::try_from(number).is_err() => Err(Refused::Number { member }),
        number => Ok(number),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;

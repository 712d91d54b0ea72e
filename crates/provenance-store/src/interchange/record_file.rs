//! Reads the file of one record.

use protocol::events::{Artifact, Input, JsonObject};
use protocol::vocabulary::Relationship;
use protocol::{ArtifactId, EventId, ProjectId, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::members::{Members, Repairs, Unreadable};
use super::naming;
use super::trust::{FileMarks, read_verdict, short, without_trust};
use crate::records::translation::MAX_EDGES;
use crate::records::translation::text::clean_object;
use crate::records::{Report, ReportKey, ReportKind, Reported, Verdict, digest};

/// Most characters that a record's id may have.
const MAX_ID_CHARS: usize = 255;

/// A record as its file tells it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileRecord {
    /// The id in the file.
    pub(super) id: String,
    /// The id that we know it by.
    pub(super) provenance_id: Uuid,
    pub(super) task_id: Uuid,
    pub(super) attempt: u32,
    pub(super) project: ProjectId,
    pub(super) reported: Reported,
    pub(super) created_at: Timestamp,
    pub(super) verdict: Option<Verdict>,
    pub(super) marks: FileMarks,
    /// Of everything but verification and marks.
    pub(super) digest: [u8; 32],
    pub(super) repairs: Repairs,
}

impl FileRecord {
    /// Reads `body`, which lay in the file of that name. `now` stands for times that are not told.
    pub(super) fn read(file: &str, body: &str, now: Timestamp) -> Result<Self, Unreadable> {
        let body: Value =
            serde_json::from_str(body).map_err(|error| Unreadable(format!("not JSON: {error}")))?;
        let Value::Object(object) = body else {
            return Err(Unreadable("must be an object".to_owned()));
        };
        let mut repairs = Repairs::default();
        let record = Members::new(&object, "");
        let id = read_id(&record, file, &mut repairs)?;
        let provenance_id = naming::record_uuid(&id);
        let task_id = match record.text("task_id", &mut repairs) {
            Some(task) => naming::task_uuid(&task),
            None => {
                repairs.note("task_id: missing, taken as a task of its own");
                naming::nameless_task_uuid(&id)
            }
        };
        let project = read_project(&record, &mut repairs);
        let created_at = record.time("created_at")?;
        let started_at = record.time("started_at")?;
        let completed_at = record.time("completed_at")?;
        let at = completed_at.or(created_at).or(started_at).unwrap_or(now);
        let event_id = EventId::derived(EventId(provenance_id), "import");
        let key = ReportKey { kind: ReportKind::Output, at, event_id };
        let reported = read_report(&record, key, project.clone(), started_at, &mut repairs)?;
        let attempt = record.count("attempt", &mut repairs).and_then(|attempt| i32::try_from(attempt).ok());
        let verdict = read_verdict(&record, at, EventId::derived(event_id, "verdict"), &mut repairs)?;
        let marks = FileMarks::read(&record, &mut repairs)?;
        Ok(Self {
            provenance_id,
            task_id,
            attempt: attempt.filter(|attempt| *attempt > 0).map_or(1, i32::unsigned_abs),
            project,
            reported,
            created_at: created_at.unwrap_or(at),
            verdict,
            marks,
            digest: content_digest(&object)?,
            repairs,
            id,
        })
    }

    /// The verdict as it is stored.
    pub(super) fn verdict_word(&self) -> &'static str {
        self.verdict.as_ref().map_or("pending", |verdict| verdict.outcome.status().as_str())
    }
}

/// The digest of everything in a file but what may change afterwards.
pub(super) fn content_digest(record: &JsonObject) -> Result<[u8; 32], Unreadable> {
    let canonical = digest::canonical(&without_trust(record));
    let canonical = canonical.map_err(|error| Unreadable(format!("not JSON: {error}")))?;
    Ok(Sha256::digest(canonical).into())
}

/// A record without an id is known by the name of its file, which is how the earlier system names its files.
fn read_id(record: &Members<'_>, file: &str, repairs: &mut Repairs) -> Result<String, Unreadable> {
    let id = match record.text("id", repairs) {
        Some(id) => id,
        None => {
            repairs.note("id: missing, taken from the file's name");
            file.strip_suffix(".json").unwrap_or(file).to_owned()
        }
    };
    if id.chars().count() > MAX_ID_CHARS {
        return Err(Unreadable(format!("id: must have 1 to {MAX_ID_CHARS} characters")));
    }
    Ok(id)
}

fn read_project(record: &Members<'_>, repairs: &mut Repairs) -> ProjectId {
    let name = record.text("project_id", repairs).unwrap_or_default();
    match naming::project(&name) {
        Some(project) if project.as_str() == name => project,
        Some(project) => {
            repairs.note(format!("project_id: {:?} cannot be an id, taken as {project}", short(&name)));
            project
        }
        None => {
            repairs.note(format!("project_id: missing, taken as {}", ProjectId::default()));
            ProjectId::default()
        }
    }
}

/// Where a member stands twice, the newer place counts unless it says nothing.
fn read_report(
    record: &Members<'_>,
    key: ReportKey,
    project: ProjectId,
    started_at: Option<Timestamp>,
    repairs: &mut Repairs,
) -> Result<Reported, Unreadable> {
    let execution = record.object("execution", "execution.")?;
    let metrics = record.object("metrics", "metrics.")?;
    let template = record.object("prompt_template", "prompt_template.")?;
    let template_in_execution = execution.object("prompt_template", "execution.prompt_template.")?;
    let count = |name: &str, repairs: &mut Repairs| {
        let newer = metrics.count(name, repairs).filter(|count| *count > 0);
        newer.or_else(|| record.count(name, repairs))
    };
    let report = Report {
        key,
        project_id: Some(project),
        tier: record.text("tier", repairs).map(Into::into),
        domain: record.text("domain", repairs).map(Into::into),
        model_used: execution.text("model", repairs).or_else(|| record.text("model_used", repairs)),
        worker_id: execution.text("worker_id", repairs).or_else(|| record.text("worker_id", repairs)),
        tokens_input: count("tokens_input", repairs),
        tokens_output: count("tokens_output", repairs),
        execution_time_ms: count("execution_time_ms", repairs),
        confidence: record.number("confidence", repairs),
        execution: read_execution(&execution, &[template_in_execution, template], repairs),
        started_at,
    };
    let outputs = read_outputs(record, repairs)?;
    let inputs = read_inputs(record, repairs)?;
    if outputs.len().saturating_mul(inputs.len()) > MAX_EDGES {
        let (inputs, outputs) = (inputs.len(), outputs.len());
        let reason = format!("{inputs} inputs times {outputs} outputs are more than {MAX_EDGES} edges");
        return Err(Unreadable(reason));
    }
    Ok(Reported::new(report, outputs, inputs))
}

/// Details of the execution: the prompt's template, and parameters.
fn read_execution(execution: &Members<'_>, templates: &[Members<'_>], repairs: &mut Repairs) -> JsonObject {
    let mut details = JsonObject::new();
    let parameters = execution.plain_object("parameters").filter(|parameters| !parameters.is_empty());
    if let Some(parameters) = parameters {
        details.insert("parameters".to_owned(), Value::Object(clean_object(parameters)));
    }
    let mut template = JsonObject::new();
    for name in ["name", "version", "hash"] {
        let told = templates.iter().find_map(|members| members.text(name, repairs));
        if let Some(text) = told {
            template.insert(name.to_owned(), Value::String(text));
        }
    }
    if !template.is_empty() {
        details.insert("prompt_template".to_owned(), Value::Object(template));
    }
    details
}

fn read_outputs(record: &Members<'_>, repairs: &mut Repairs) -> Result<Vec<Artifact>, Unreadable> {
    let mut artifacts = Vec::new();
    for (index, output) in record.list("outputs")?.iter().enumerate() {
        let place = format!("outputs[{index}].");
        let Value::Object(output) = output else {
            repairs.note(format!("outputs[{index}]: not an object, left out"));
            continue;
        };
        let output = Members::new(output, &place);
        // Older records describe what they made without naming it; there is nothing then to build upon.
        let Some(artifact_id) = artifact_id(&output, &place, repairs)? else { continue };
        artifacts.push(Artifact {
            artifact_id,
            artifact_type: output.text("type", repairs).unwrap_or_default(),
            path: output.text("location", repairs).or_else(|| output.text("path", repairs)),
            language: output.text("language", repairs),
            checksum: output.text("checksum", repairs),
            size_bytes: output.count("size_bytes", repairs),
        });
    }
    Ok(artifacts)
}

fn read_inputs(record: &Members<'_>, repairs: &mut Repairs) -> Result<Vec<Input>, Unreadable> {
    let mut inputs: Vec<Input> = Vec::new();
    for (index, input) in record.list("inputs")?.iter().enumerate() {
        let place = format!("inputs[{index}].");
        match input {
            Value::Object(input) => {
                let input = Members::new(input, &place);
                let Some(artifact_id) = artifact_id(&input, &place, repairs)? else { continue };
                let relationship = read_relationship(&input, &place, repairs);
                inputs.push(Input {
                    artifact_id,
                    relationship,
                    checksum: input.text("version_at_consumption", repairs),
                });
            }
            Value::String(id) if !id.is_empty() => {
                repairs.note(format!("inputs[{index}]: a bare id, read as consumed"));
                inputs.push(consumed(checked_id(id, &format!("inputs[{index}]"))?));
            }
            _ => repairs.note(format!("inputs[{index}]: not an object, left out")),
        }
    }
    for (index, id) in record.list("inputs_consumed")?.iter().enumerate() {
        match id {
            Value::String(id) if id.is_empty() => {}
            Value::String(id) => {
                let artifact_id = checked_id(id, &format!("inputs_consumed[{index}]"))?;
                if !inputs.iter().any(|input| input.artifact_id == artifact_id) {
                    inputs.push(consumed(artifact_id));
                }
            }
            Value::Null => {}
            _ => repairs.note(format!("inputs_consumed[{index}]: not an id, left out")),
        }
    }
    Ok(inputs)
}

const fn consumed(artifact_id: ArtifactId) -> Input {
    Input { artifact_id, relationship: Relationship::Consumed, checksum: None }
}

fn read_relationship(input: &Members<'_>, place: &str, repairs: &mut Repairs) -> Relationship {
    let Some(word) = input.text("relationship", repairs) else { return Relationship::Consumed };
    word.parse().unwrap_or_else(|_| {
        repairs.note(format!("{place}relationship: {:?} is not known, read as consumed", short(&word)));
        Relationship::Consumed
    })
}

fn artifact_id(
    members: &Members<'_>,
    place: &str,
    repairs: &mut Repairs,
) -> Result<Option<ArtifactId>, Unreadable> {
    let id = members.text("artifact_id", repairs);
    id.map(|id| checked_id(&id, &format!("{place}artifact_id"))).transpose()
}

fn checked_id(id: &str, place: &str) -> Result<ArtifactId, Unreadable> {
    ArtifactId::new(id).map_err(|error| Unreadable(format!("{place}: {error}")))
}

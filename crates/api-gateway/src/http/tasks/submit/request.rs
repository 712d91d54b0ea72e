//! The body of a submission: which fields it has and what each may hold.

use std::borrow::Cow;
use std::collections::HashSet;

use protocol::events::{Input, JsonObject, TaskOptions};
use protocol::vocabulary::{Domain, ExecutionMode, Priority, QaProfile, Relationship, Tier};
use protocol::{ArtifactId, ProjectId, TaskId, Timestamp, TraceId};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::http::body::{Fields, ReadBody};
use crate::http::openapi::vocabulary::{
    DomainWord, ExecutionModeWord, PriorityWord, QaProfileWord, RelationshipWord, TierWord,
};
use crate::tasks::submission::{LeftOpen, NewTask};

/// Most characters of a description.
const MOST_DESCRIPTION_CHARS: usize = 100_000;
/// Longest time that one attempt may be given, in seconds: a day.
const MOST_TIMEOUT_SECONDS: u32 = 86_400;
/// Most attempts that a task may be given.
const MOST_ATTEMPTS: u32 = 20;
/// Most characters of a tag.
const MOST_TAG_CHARS: usize = 255;
/// Most characters of a requester's name.
const MOST_REQUESTER_CHARS: usize = 255;

/// What is to be done, and how.
#[derive(Debug, PartialEq, ToSchema)]
pub(crate) struct SubmitTaskRequest {
    /// What is to be done, in words.
    #[schema(min_length = 1, max_length = 100_000, pattern = r"\S", example = "Write a hello world in Rust")]
    description: String,
    /// The project; created on first use, and it decides what is left out here. `default` when absent.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9._:-]+$")]
    project_id: Option<ProjectId>,
    /// How urgent; the service's setting when absent.
    #[schema(value_type = Option<PriorityWord>)]
    priority: Option<Priority>,
    /// Whether people take part; `autonomous` when absent.
    #[schema(value_type = Option<ExecutionModeWord>)]
    mode: Option<ExecutionMode>,
    /// Wishes about routing, QA and retries.
    options: Option<SubmitTaskOptions>,
    /// Tasks of the same project that must be completed first.
    #[schema(value_type = Option<Vec<Uuid>>)]
    depends_on: Option<Vec<TaskId>>,
    /// Artifacts to work from.
    inputs: Option<Vec<SubmitTaskInput>>,
    /// Not to be started earlier.
    #[schema(value_type = Option<DateTime>)]
    not_before: Option<Timestamp>,
    /// Data of your own, given back as it is.
    #[schema(value_type = Option<MetadataObject>)]
    metadata: Option<JsonObject>,
    /// Rules for the worker, passed on as they are.
    #[schema(value_type = Option<Object>)]
    constitution_override: Option<JsonObject>,
}

/// Wishes about routing, QA and retries.
#[derive(Debug, Default, PartialEq, ToSchema)]
pub(crate) struct SubmitTaskOptions {
    /// Whether it may be split into subtasks; `false` when absent.
    decompose: Option<bool>,
    /// How the output is judged; the analysis decides when absent.
    #[schema(value_type = Option<QaProfileWord>)]
    qa_profile: Option<QaProfile>,
    /// Pins the tier.
    #[schema(value_type = Option<TierWord>)]
    tier: Option<Tier>,
    /// Pins the domain.
    #[schema(value_type = Option<DomainWord>)]
    domain: Option<Domain>,
    /// Time of one attempt, in seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    timeout_seconds: Option<u32>,
    /// Attempts before the task fails.
    #[schema(minimum = 1, maximum = 20)]
    max_attempts: Option<u32>,
    /// Whether repeated rejections may move it to a higher tier; `true` when absent.
    escalate_tier: Option<bool>,
}

/// An artifact to work from.
#[derive(Debug, PartialEq, ToSchema)]
pub(crate) struct SubmitTaskInput {
    /// The artifact.
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    artifact_id: ArtifactId,
    /// How it is used; `consumed` when absent.
    #[schema(value_type = Option<RelationshipWord>)]
    relationship: Option<Relationship>,
}

/// The submitter's own data as the document shows it: any object, in which two members have a meaning.
pub(crate) enum MetadataObject {}

impl PartialSchema for MetadataObject {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let tag = text().min_length(Some(1)).max_length(Some(MOST_TAG_CHARS)).pattern(Some(r"\S"));
        let requester = text().max_length(Some(MOST_REQUESTER_CHARS));
        ObjectBuilder::new()
            .property("tags", nullable(ArrayBuilder::new().items(tag)))
            .property("requester", nullable(requester))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .into()
    }
}

/// The schema, or `null`.
fn nullable(schema: impl Into<RefOr<Schema>>) -> OneOfBuilder {
    OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Null)).item(schema)
}

impl ToSchema for MetadataObject {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Metadata")
    }
}

impl ReadBody for SubmitTaskRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // Every field is read before the required one decides, so that all that is wrong gets named.
        let description = fields.required("description", |node| node.text(1..=MOST_DESCRIPTION_CHARS));
        let project_id = fields.optional("project_id", |node| node.parsed());
        let priority = fields.optional("priority", |node| node.parsed());
        let mode = fields.optional("mode", |node| node.parsed());
        let options = fields.optional("options", |node| node.object(read_options));
        let depends_on = fields.optional("depends_on", |node| node.list(|item| item.uuid()));
        let inputs = fields.optional("inputs", |node| node.list(|item| item.object(read_input)));
        let not_before = fields.optional("not_before", |node| node.time());
        let metadata = fields.optional("metadata", |node| node.open_object(check_metadata));
        let constitution_override = fields.optional("constitution_override", |node| node.open_object(|_| ()));
        Some(Self {
            description: description?,
            project_id,
            priority,
            mode,
            options,
            depends_on,
            inputs,
            not_before,
            metadata,
            constitution_override,
        })
    }
}

fn read_options(fields: &mut Fields<'_>) -> Option<SubmitTaskOptions> {
    Some(SubmitTaskOptions {
        decompose: fields.optional("decompose", |node| node.flag()),
        qa_profile: fields.optional("qa_profile", |node| node.word(QaProfile::WORDS)),
        tier: fields.optional("tier", |node| node.tier()),
        domain: fields.optional("domain", |node| node.word(Domain::WORDS)),
        timeout_seconds: fields.optional("timeout_seconds", |node| node.integer(1..=MOST_TIMEOUT_SECONDS)),
        max_attempts: fields.optional("max_attempts", |node| node.integer(1..=MOST_ATTEMPTS)),
        escalate_tier: fields.optional("escalate_tier", |node| node.flag()),
    })
}

fn read_input(fields: &mut Fields<'_>) -> Option<SubmitTaskInput> {
    let artifact_id = fields.required("artifact_id", |node| node.parsed());
    let relationship = fields.optional("relationship", |node| node.parsed());
    Some(SubmitTaskInput { artifact_id: artifact_id?, relationship })
}

fn check_metadata(fields: &mut Fields<'_>) {
    fields.optional("tags", |node| node.list(|tag| tag.text(1..=MOST_TAG_CHARS)));
    fields.optional("requester", |node| node.text(0..=MOST_REQUESTER_CHARS));
}

impl SubmitTaskRequest {
    /// The tasks it depends on, as listed.
    pub(super) fn dependencies(&self) -> Vec<TaskId> {
        self.depends_on.clone().unwrap_or_default()
    }

    /// What it leaves to its project.
    pub(super) fn left_open(&self) -> LeftOpen {
        let escalation = self.options.as_ref().and_then(|options| options.escalate_tier);
        LeftOpen { mode: self.mode.is_none(), escalate_tier: escalation.is_none() }
    }

    /// The submission as the use case takes it, part of the request's trace.
    pub(super) fn into_new_task(self, trace_id: TraceId) -> NewTask {
        let mut depends_on = self.depends_on.unwrap_or_default();
        let mut seen = HashSet::new();
        depends_on.retain(|id| seen.insert(*id));
        NewTask {
            project_id: self.project_id.unwrap_or_default(),
            description: self.description,
            priority: self.priority,
            mode: self.mode.unwrap_or(ExecutionMode::Autonomous),
            options: self.options.unwrap_or_default().into(),
            depends_on,
            inputs: self.inputs.unwrap_or_default().into_iter().map(Input::from).collect(),
            not_before: self.not_before,
            metadata: self.metadata.unwrap_or_default(),
            constitution: self.constitution_override,
            trace_id,
        }
    }
}

impl From<SubmitTaskOptions> for TaskOptions {
    fn from(options: SubmitTaskOptions) -> Self {
        let defaults = Self::default();
        Self {
            decompose: options.decompose.unwrap_or(defaults.decompose),
            qa_profile: options.qa_profile,
            tier: options.tier,
            domain: options.domain,
            timeout_seconds: options.timeout_seconds,
            max_attempts: options.max_attempts,
            escalate_tier: options.escalate_tier.unwrap_or(defaults.escalate_tier),
        }
    }
}

impl From<SubmitTaskInput> for Input {
    fn from(input: SubmitTaskInput) -> Self {
        Self {
            artifact_id: input.artifact_id,
            relationship: input.relationship.unwrap_or(Relationship::Consumed),
            checksum: None,
        }
    }
}

#[cfg(test)]
mod tests;

//! Pieces that several events share.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::null_as_default;
use crate::ids::ArtifactId;
use crate::vocabulary::{Domain, QaProfile, Relationship, Tier};

/// What a task may ask of routing, QA and retries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TaskOptions {
    /// May be split into subtasks.
    pub decompose: bool,
    /// How its output is judged; the analysis decides when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qa_profile: Option<QaProfile>,
    /// Pins the tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Pins the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// Time of one attempt, from admission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Attempts before the task fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Whether repeated rejections may move it to a higher tier.
    pub escalate_tier: bool,
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            decompose: false,
            qa_profile: None,
            tier: None,
            domain: None,
            timeout_seconds: None,
            max_attempts: None,
            escalate_tier: true,
        }
    }
}

/// An artifact that a task is given, or said that it used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "InputForm")]
pub struct Input {
    /// The artifact.
    pub artifact_id: ArtifactId,
    /// How it is used.
    pub relationship: Relationship,
    /// Its checksum when it was used, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// Inputs arrive as objects or, from the simplest workers, as bare artifact ids. Read by hand, so that what is wrong
/// with one can be named.
#[derive(JsonSchema)]
#[serde(untagged)]
enum InputForm {
    Bare(ArtifactId),
    Full {
        artifact_id: ArtifactId,
        #[serde(default)]
        relationship: Option<Relationship>,
        #[serde(default, alias = "version_at_consumption")]
        checksum: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum InputMember {
    ArtifactId,
    Relationship,
    #[serde(alias = "version_at_consumption")]
    Checksum,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for InputForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = InputForm;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an artifact id or an object with one")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<InputForm, E> {
        named("artifact_id", ArtifactId::deserialize(id.into_deserializer())).map(InputForm::Bare)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<InputForm, A::Error> {
        let (mut artifact_id, mut word, mut checksum) = (None, None::<String>, None::<String>);
        while let Some(member) = members.next_key()? {
            match member {
                InputMember::ArtifactId => artifact_id = Some(named("artifact_id", members.next_value())?),
                InputMember::Relationship => word = named("relationship", members.next_value())?,
                InputMember::Checksum => checksum = named("checksum", members.next_value())?,
                InputMember::Unknown => {
                    members.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        let artifact_id = artifact_id.ok_or_else(|| Error::missing_field("artifact_id"))?;
        // A word of tomorrow says at least that it was used.
        let relationship = word.and_then(|word| word.parse().ok());
        Ok(InputForm::Full { artifact_id, relationship, checksum })
    }
}

/// Says in which member an error is.
pub(super) fn named<T, E: Error>(member: &str, read: Result<T, E>) -> Result<T, E> {
    read.map_err(|error| E::custom(format_args!("{member}: {error}")))
}

impl From<InputForm> for Input {
    fn from(form: InputForm) -> Self {
        let (artifact_id, relationship, checksum) = match form {
            InputForm::Bare(artifact_id) => (artifact_id, None, None),
            InputForm::Full { artifact_id, relationship, checksum } => (artifact_id, relationship, checksum),
        };
        Self { artifact_id, relationship: relationship.unwrap_or(Relationship::Consumed), checksum }
    }
}

/// One produced artifact, as its producer describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Its id.
    #[serde(alias = "id")]
    pub artifact_id: ArtifactId,
    /// `code`, `document`, `config`, ...: free text.
    #[serde(rename = "type", default, deserialize_with = "null_as_default")]
    pub artifact_type: String,
    /// Where it lies, in the producer's terms.
    #[serde(default, alias = "location", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Programming or natural language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// SHA-256 of the content, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Size of the content in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

/// What a worker hands in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The result as text, where it is small enough to travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What was produced.
    #[serde(default, deserialize_with = "null_as_default")]
    pub artifacts: Vec<Artifact>,
}

/// Why an attempt failed. Arrives as text or as an object; text counts as retryable (contract 1.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "FailureForm")]
pub struct Failure {
    /// Short name that programs can act on.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether another attempt may go better.
    pub retryable: bool,
}

impl Failure {
    /// Code of an agent's verdict that the work failed.
    pub const AGENT_FAILED: &str = "AGENT_FAILED";
    /// Code of an agent's verdict that it gave up the work because it was asked to.
    pub const AGENT_CANCELLED: &str = "AGENT_CANCELLED";

    /// A failure with every part given.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>, retryable: bool) -> Self {
        Self { code: code.into(), message: message.into(), retryable }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum FailureForm {
    Text(String),
    Full {
        #[serde(default)]
        code: Option<serde_json::Value>,
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        retryable: Option<bool>,
    },
}

impl From<FailureForm> for Failure {
    fn from(form: FailureForm) -> Self {
        let (code, message, retryable) = match form {
            FailureForm::Text(message) => (None, Some(message), None),
            FailureForm::Full { code, message, retryable } => (code, message, retryable),
        };
        let code = match code {
            Some(serde_json::Value::String(code)) if !code.is_empty() => code,
            Some(serde_json::Value::Number(code)) => code.to_string(),
            _ => "TASK_FAILED".to_owned(),
        };
        let message = message.unwrap_or_else(|| code.clone());
        Self { code, message, retryable: retryable.unwrap_or(true) }
    }
}

/// Who gave a piece of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackSource {
    /// QA rejected the output.
    Qa,
    /// The worker or agent failed.
    Worker,
    /// A person asked for changes or rejected.
    Review,
    /// A timer of ours ran out.
    Timeout,
}

/// What an earlier attempt taught; handed to the worker of the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Feedback {
    /// The attempt it is about.
    pub attempt: u32,
    /// Who says it.
    pub source: FeedbackSource,
    /// In words.
    pub message: String,
    /// In detail, as it came.
    #[serde(default)]
    pub issues: Vec<serde_json::Value>,
}

/// Who analysed a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Analyzer {
    /// The configured Agent Service.
    AgentService,
    /// The built-in rules.
    Rules,
    /// Nobody: the task pins its routing.
    Pinned,
}

/// Why a task went where it went. Kept on the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Routing {
    /// Who decided.
    pub analyzer: Analyzer,
    /// Every step of the decision, in words.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// 0 to 1, where known.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Tokens the work is expected to take, context included, where known.
    #[serde(default)]
    pub estimated_tokens: Option<u64>,
    /// Whether something had to be replaced by its fallback.
    #[serde(default)]
    pub fallback: bool,
}

/// A piece of context for the worker, with where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContextSource {
    /// The artifact it was taken from.
    pub artifact_id: ArtifactId,
    /// That artifact's record, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance_id: Option<String>,
    /// 0 to 1, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance_score: Option<f64>,
    /// The text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

/// What the RAG service found for a task; empty when there is no such service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Context {
    /// Text for the worker's prompt.
    #[serde(default)]
    pub text: String,
    /// Where it came from.
    #[serde(default)]
    pub sources: Vec<ContextSource>,
    /// Its size in tokens.
    #[serde(default)]
    pub tokens_used: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_without_details_is_retryable() {
        let text: Failure = serde_json::from_str("\"model crashed\"").unwrap();
        assert_eq!(text, Failure::new("TASK_FAILED", "model crashed", true));
        let bare: Failure = serde_json::from_str(r#"{"code":5001,"message":"late"}"#).unwrap();
        assert_eq!(bare, Failure::new("5001", "late", true));
        let last: Failure = serde_json::from_str(r#"{"code":"X","message":"m","retryable":false}"#).unwrap();
        assert!(!last.retryable);
    }

    #[test]
    fn inputs_are_read_from_ids_and_from_objects() {
        let inputs: Vec<Input> = serde_json::from_str(
            r#"["a", {"artifact_id":"b","relationship":"referenced","version_at_consumption":"ff"}]"#,
        )
        .unwrap();
        assert_eq!(inputs[0].relationship, Relationship::Consumed);
        assert_eq!(inputs[1].relationship, Relationship::Referenced);
        assert_eq!(inputs[1].checksum.as_deref(), Some("ff"));
    }

    #[test]
    fn an_input_used_in_a_way_that_is_not_known_counts_as_consumed() {
        let inputs: Vec<Input> = serde_json::from_str(
            r#"[{"artifact_id":"a","relationship":"quoted"}, {"relationship":null,"artifact_id":"b","extra":[1]}]"#,
        )
        .unwrap();
        assert!(inputs.iter().all(|input| input.relationship == Relationship::Consumed), "{inputs:?}");
    }

    #[test]
    fn what_is_wrong_with_an_input_is_named() {
        for (input, expected) in [
            ("7", "an artifact id or an object with one"),
            (r#""""#, "artifact_id: "),
            ("{}", "missing field `artifact_id`"),
            (r#"{"artifact_id":7}"#, "artifact_id: invalid type"),
            (r#"{"artifact_id":null}"#, "artifact_id: invalid type"),
            (r#"{"artifact_id":"a","relationship":7}"#, "relationship: invalid type"),
            (r#"{"artifact_id":"a","version_at_consumption":{}}"#, "checksum: invalid type"),
        ] {
            let error = serde_json::from_str::<Input>(input).unwrap_err().to_string();
            assert!(error.contains(expected), "{input}: {error}");
        }
    }
}

//! The agent wire protocol for other languages: a JSON Schema of each message, golden samples, and its part of the
//! AsyncAPI document. The types here say what agents may rely on; a test compares them with what the routing-engine
//! writes and reads.

mod channels;
mod payloads;
mod samples;

pub(crate) use channels::{channels, messages, operations};
pub use samples::sample;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// A kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireMessageKind {
    /// Work, or the wish to stop it.
    WorkRequest,
    /// How work ended.
    WorkResult,
    /// A sign of life.
    Heartbeat,
    /// How far work is.
    Progress,
    /// A complaint.
    Error,
}

impl WireMessageKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::WorkRequest, Self::WorkResult, Self::Heartbeat, Self::Progress, Self::Error];

    /// Its name in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WorkRequest => "work_request",
            Self::WorkResult => "work_result",
            Self::Heartbeat => "heartbeat",
            Self::Progress => "progress",
            Self::Error => "error",
        }
    }

    /// The envelope's `type`. Heartbeats and progress share one and are told apart by `task_id`.
    const fn envelope_type(self) -> &'static str {
        match self {
            Self::Heartbeat | Self::Progress => "work_status",
            other => other.name(),
        }
    }

    const fn summary(self) -> &'static str {
        match self {
            Self::WorkRequest => "Work for an agent; with work_type cancel, the wish that an agent stops",
            Self::WorkResult => "How work ended",
            Self::Heartbeat => "An agent lives",
            Self::Progress => "How far an agent's work is",
            Self::Error => "A complaint, about a task or not",
        }
    }

    fn payload(self) -> Schema {
        match self {
            Self::WorkRequest => of::<payloads::WorkRequest>(),
            Self::WorkResult => of::<payloads::WorkResult>(),
            Self::Heartbeat => of::<payloads::Heartbeat>(),
            Self::Progress => of::<payloads::Progress>(),
            Self::Error => of::<payloads::AgentError>(),
        }
    }
}

/// Every file of the protocol, by its path.
pub(crate) fn documents() -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    for kind in WireMessageKind::ALL {
        let name = kind.name();
        files.insert(PathBuf::from(format!("agents/schemas/{name}.json")), crate::pretty(&schema(kind)?)?);
    }
    for name in samples::NAMES {
        files.insert(PathBuf::from(format!("agents/samples/{name}.json")), crate::pretty(&sample(name)?)?);
    }
    Ok(files)
}

fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

/// The schema of a message: the envelope around its payload.
fn schema(kind: WireMessageKind) -> anyhow::Result<Value> {
    let name = kind.name();
    let mut payload = kind.payload().to_value();
    let members = payload.as_object_mut().context("a schema that is not an object")?;
    members.remove("$schema");
    let definitions = members.remove("$defs");
    let id = |what: &str| json!({ "type": "string", "format": "uuid", "description": what });
    let agent = json!({ "enum": ["orchestrator", "infra", "desktop", "code", "research"] });
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:dats:schema:agents:{name}:1"),
        "title": name,
        "description": format!("{}. No member of the envelope is ever null.", kind.summary()),
        "type": "object",
        "required": ["from_agent", "to_agent", "type", "payload"],
        "properties": {
            "protocol_version": { "const": "1.0", "default": "1.0" },
            "message_id": id("Id of this message"),
            "from_agent": agent,
            "to_agent": agent,
            "timestamp": { "type": "string", "description": "ISO 8601; without a zone it is UTC" },
            "trace_id": id("Shared by a request and what answers it"),
            "request_id": id("The hand-over: a redelivery repeats it, a new attempt has a new one, answers echo it"),
            "type": { "const": kind.envelope_type() },
            "priority": { "type": "integer", "minimum": 1, "maximum": 5, "default": 3, "description": "5 first" },
            "payload": payload,
            "x_custom_fields": { "type": "object" },
        },
    });
    if let (Some(definitions), Some(members)) = (definitions, schema.as_object_mut()) {
        members.insert("$defs".to_owned(), definitions);
    }
    Ok(schema)
}

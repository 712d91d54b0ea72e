//! JSON Schemas: the data of an event from its type, inside the envelope that every event shares.

use anyhow::Context;
use protocol::EventKind;
use protocol::events;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of an event as it travels: CloudEvents envelope around its data.
pub(crate) fn envelope(kind: EventKind) -> anyhow::Result<Value> {
    let name = kind.name();
    let mut data = data(kind).to_value();
    let data_members = data.as_object_mut().context("a schema that is not an object")?;
    data_members.remove("$schema");
    let definitions = data_members.remove("$defs");
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:dats:schema:{name}:1"),
        "title": name,
        "type": "object",
        "required": ["specversion", "type", "source", "id", "data"],
        "properties": {
            "specversion": { "const": "1.0" },
            "type": { "type": "string", "pattern": type_pattern(kind) },
            "source": { "type": "string", "description": "Who published it, e.g. /orchestration/api-gateway" },
            "id": { "type": "string", "description": "A consumer applies an id once; ours are UUIDs" },
            "time": { "type": "string", "format": "date-time" },
            "datacontenttype": { "const": "application/json" },
            "subject": { "type": "string", "description": "The task, artifact, agent or checkpoint it is about" },
            "dataschema": { "type": "string" },
            "traceid": { "type": "string", "format": "uuid", "description": "The 16 bytes of the W3C trace id" },
            "correlationid": { "type": "string", "format": "uuid", "description": "The task it belongs to" },
            "causationid": { "type": "string", "format": "uuid", "description": "The event that led to it" },
            "data": data,
        },
    });
    if let (Some(definitions), Some(members)) = (definitions, schema.as_object_mut()) {
        members.insert("$defs".to_owned(), definitions);
    }
    Ok(schema)
}

fn type_pattern(kind: EventKind) -> String {
    let name = kind.name().replace('.', "\\.");
    match kind {
        EventKind::TaskStatusChanged => format!("^dats\\.{name}\\.[a-z]+$"),
        _ => format!("^dats\\.{name}$"),
    }
}

fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

fn data(kind: EventKind) -> Schema {
    match kind {
        EventKind::TaskCreated => of::<events::TaskCreated>(),
        EventKind::TaskReady => of::<events::TaskReady>(),
        EventKind::TaskDecomposed => of::<events::TaskDecomposed>(),
        EventKind::TaskRoutingFailed => of::<events::TaskRoutingFailed>(),
        EventKind::TaskDispatched => of::<events::TaskDispatched>(),
        EventKind::TaskStarted => of::<events::TaskStarted>(),
        EventKind::TaskProgress => of::<events::TaskProgress>(),
        EventKind::TaskOutputCreated => of::<events::TaskOutputCreated>(),
        EventKind::TaskCompleted => of::<events::TaskCompleted>(),
        EventKind::TaskValidated => of::<events::TaskValidated>(),
        EventKind::TaskRejected => of::<events::TaskRejected>(),
        EventKind::TaskFailed => of::<events::TaskFailed>(),
        EventKind::TaskCancelled => of::<events::TaskCancelled>(),
        EventKind::TaskStatusChanged => of::<events::TaskStatusChanged>(),
        EventKind::ProvenanceRecorded => of::<events::ProvenanceRecorded>(),
        EventKind::ReviewRequested => of::<events::ReviewRequested>(),
        EventKind::ReviewCompleted => of::<events::ReviewCompleted>(),
        EventKind::AgentHeartbeat => of::<events::AgentHeartbeat>(),
        EventKind::AgentOffline => of::<events::AgentOffline>(),
        EventKind::CascadeStarted => of::<events::CascadeStarted>(),
        EventKind::CascadeCompleted => of::<events::CascadeCompleted>(),
        EventKind::ArtifactTainted => of::<events::ArtifactTainted>(),
        EventKind::ArtifactSuspect => of::<events::ArtifactSuspect>(),
        EventKind::ArtifactCleared => of::<events::ArtifactCleared>(),
        EventKind::ArtifactStanding => of::<events::ArtifactStanding>(),
        EventKind::CheckpointRequested => of::<events::CheckpointRequested>(),
        EventKind::CheckpointCreated => of::<events::CheckpointCreated>(),
        EventKind::RollbackRequested => of::<events::RollbackRequested>(),
        EventKind::RollbackCompleted => of::<events::RollbackCompleted>(),
    }
}

//! The event contract for other languages, derived from the types that our services use: one JSON Schema and one
//! golden sample per event and per message of the agent wire protocol, and an AsyncAPI 3 document over all of them.
//! What is committed in `proto-events/` must equal what this crate makes; a test says when it does not.

#![allow(clippy::expect_used, reason = "a tool: a sample that is not valid must stop it")]

mod agents;
mod asyncapi;
mod roles;
mod samples;
mod schemas;

pub use agents::{WireMessageKind, sample as wire_sample};
pub use roles::{Role, role};
pub use samples::sample;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use protocol::EventKind;
use serde_json::Value;

/// Every file of `proto-events/` with its content, by path relative to that folder.
///
/// # Errors
/// If a sample cannot be written as JSON or a schema is not an object.
pub fn documents() -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    for &kind in EventKind::ALL {
        let name = kind.name();
        files.insert(PathBuf::from(format!("schemas/{name}.json")), pretty(&schemas::envelope(kind)?)?);
        let event = sample(kind);
        let document: Value = serde_json::from_slice(&event.to_json().context(name)?)?;
        files.insert(PathBuf::from(format!("samples/{name}.json")), pretty(&document)?);
    }
    files.extend(agents::documents()?);
    files.insert(PathBuf::from("asyncapi.yaml"), asyncapi::document()?);
    Ok(files)
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

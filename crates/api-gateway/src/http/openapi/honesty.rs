//! Tells in the document what the readers of input do and the types cannot say.

use std::collections::BTreeSet;

use serde_json::{Value, json};

const SCHEMAS: &str = "/components/schemas";

/// Unknown fields are refused: every object that a request body is made of says so, unless it says otherwise.
pub(super) fn close_request_bodies(document: &mut Value) {
    let mut waiting = Vec::new();
    for item in
        document.pointer("/paths").and_then(Value::as_object).into_iter().flat_map(|paths| paths.values())
    {
        for operation in item.as_object().into_iter().flat_map(|methods| methods.values()) {
            waiting.extend(operation.get("requestBody").into_iter().flat_map(schema_names));
        }
    }
    let mut closed = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        let Some(schema) = document.pointer_mut(&format!("{SCHEMAS}/{name}")) else { continue };
        if !closed.insert(name) {
            continue;
        }
        waiting.extend(schema_names(schema));
        let is_object = schema.get("type").is_some_and(|kind| kind == "object");
        if let Some(members) = schema.as_object_mut().filter(|_| is_object) {
            members.entry("additionalProperties").or_insert(json!(false));
        }
    }
}

/// A tier is one of those that this installation has.
pub(super) fn list_tiers(document: &mut Value, tiers: &[&str]) {
    if let Some(words) = document.pointer_mut(&format!("{SCHEMAS}/Tier/enum")) {
        *words = json!(tiers);
    }
}

/// The names of all schemas that `value` refers to.
fn schema_names(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| reference.rsplit('/').next());
            own.map(ToOwned::to_owned).into_iter().chain(members.values().flat_map(schema_names)).collect()
        }
        Value::Array(items) => items.iter().flat_map(schema_names).collect(),
        _ => Vec::new(),
    }
}

//! What the document's examples owe its reader: every body to send has one, and those of answers are whole.

use std::collections::BTreeMap;

use protocol::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{document, operations};

/// Tags of the operations whose every answer has an example.
const SHOWN: [&str; 5] = ["tasks", "dispatch", "agents", "projects", "reviews"];
/// Members that the service itself leaves out of some answers, or that only few lines of an import have.
const LEFT_OUT: [&str; 2] = ["constitution", "key"];

#[test]
fn every_request_body_has_an_example() {
    let document = document();
    let mut bodies = 0;
    for (method, path, operation) in operations(&document) {
        for (content_type, media) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let examples = examples_of(&document, media);
            assert!(!examples.is_empty(), "{method} {path}");
            // Those of JSON bodies are sent to the service, in another test.
            if content_type != "application/json" {
                let faults: Vec<_> =
                    examples.iter().flat_map(|one| faults(&document, &media["schema"], one, "")).collect();
                assert!(faults.is_empty(), "{method} {path}: {faults:#?}");
            }
            bodies += 1;
        }
    }
    assert!(bodies >= 25, "only {bodies} bodies");
}

#[test]
fn every_answer_about_tasks_projects_and_reviews_has_a_whole_example() {
    let document = document();
    let mut answers = 0;
    let mut wrong = Vec::new();
    for (method, path, operation) in operations(&document) {
        if !SHOWN.iter().any(|tag| operation["tags"][0] == *tag) {
            continue;
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let media = answer["content"].get("application/json");
            let Some(media) = media.filter(|_| status.starts_with('2')) else { continue };
            let examples = examples_of(&document, media);
            if examples.is_empty() {
                wrong.push(format!("{method} {path} {status}: no example"));
            }
            for example in examples {
                let faults = faults(&document, &media["schema"], &example, "");
                wrong.extend(faults.into_iter().map(|fault| format!("{method} {path} {status}: {fault}")));
            }
            answers += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(answers >= 25, "only {answers} answers");
}

#[test]
fn an_example_that_is_not_whole_is_noticed() {
    let document = document();
    let schema = &document["components"]["schemas"]["TaskStatusResponse"];
    let spoiled = |spoil: fn(&mut Value)| {
        let mut example = schema["example"].clone();
        spoil(&mut example);
        faults(&document, schema, &example, "")
    };
    assert!(spoiled(|_| ()).is_empty());
    for (spoil, fault) in [
        ((|task| drop(task.as_object_mut().unwrap().remove("error"))) as fn(&mut Value), ".error is missing"),
        (|task| task["colour"] = "red".into(), ".colour is not in the schema"),
        (|task| task["attempt"] = "1".into(), ".attempt"),
        (|task| task["progress"]["percent"] = Value::Null, ".progress.percent"),
        (|task| task["status"] = "asleep".into(), ".status"),
        (|task| task["trace_id"] = "t-1".into(), ".trace_id"),
        (
            |task| task["waiting_for"] = serde_json::json!({ "reason": "slot" }),
            ".waiting_for.detail is missing",
        ),
    ] {
        let found = spoiled(spoil);
        assert!(found.len() == 1 && found[0].starts_with(fault), "{fault}: {found:?}");
    }
}

/// The examples of a body: its own, else that of its schema, else one of what it is a list of.
fn examples_of(document: &Value, media: &Value) -> Vec<Value> {
    let named = media["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
    let own: Vec<Value> = media.get("example").into_iter().chain(named).cloned().collect();
    if !own.is_empty() {
        return own;
    }
    let schema = resolved(document, &media["schema"]);
    let of_item =
        || Some(Value::from(vec![resolved(document, schema.get("items")?).get("example")?.clone()]));
    schema.get("example").cloned().or_else(of_item).into_iter().collect()
}

/// The schema itself, where there is only its name.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let Some(reference) = schema["$ref"].as_str() else { return schema };
    resolved(document, document.pointer(&reference[1..]).unwrap())
}

/// All members of objects of that schema.
fn members<'d>(document: &'d Value, schema: &'d Value) -> BTreeMap<&'d str, &'d Value> {
    let schema = resolved(document, schema);
    let own = schema["properties"].as_object().into_iter().flatten();
    let parts = schema["allOf"].as_array().into_iter().flatten();
    own.map(|(name, schema)| (name.as_str(), schema))
        .chain(parts.flat_map(|part| members(document, part)))
        .collect()
}

/// Where an example is not what the schema says. Members that may be `null` must be there too: the service always
/// sends them.
fn faults(document: &Value, schema: &Value, example: &Value, place: &str) -> Vec<String> {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let tried = choices.iter().map(|choice| faults(document, choice, example, place));
        // What is wrong with the first choice tells most: the other one is `null`.
        return tried.reduce(|best, other| if other.is_empty() { other } else { best }).unwrap();
    }
    if !is_of_type(&schema["type"], example) || !is_of_format(&schema["format"], example) {
        return vec![format!("{place} is not {} {}: {example}", schema["type"], schema["format"])];
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(example)) {
        return vec![format!("{place} is not a word of {}: {example}", schema["enum"])];
    }
    match example {
        Value::Object(given) => {
            let members = members(document, schema);
            let is_free = members.is_empty();
            let missing = members
                .keys()
                .filter(|name| !given.contains_key(**name) && !LEFT_OUT.contains(name))
                .map(|name| format!("{place}.{name} is missing"));
            let wrong = given.iter().flat_map(|(name, value)| match members.get(name.as_str()) {
                Some(schema) => faults(document, schema, value, &format!("{place}.{name}")),
                None if is_free => Vec::new(),
                None => vec![format!("{place}.{name} is not in the schema")],
            });
            missing.chain(wrong).collect()
        }
        Value::Array(items) => items
            .iter()
            .flat_map(|item| faults(document, &schema["items"], item, &format!("{place}[]")))
            .collect(),
        _ => Vec::new(),
    }
}

/// `kinds` as a schema lists them: none, one or several.
fn is_of_type(kinds: &Value, example: &Value) -> bool {
    match kinds {
        Value::Array(kinds) => kinds.iter().any(|kind| is_of_type(kind, example)),
        Value::String(kind) => match kind.as_str() {
            "null" => example.is_null(),
            "boolean" => example.is_boolean(),
            "integer" => example.is_u64() || example.is_i64(),
            "number" => example.is_number(),
            "string" => example.is_string(),
            "array" => example.is_array(),
            _ => example.is_object(),
        },
        _ => true,
    }
}

fn is_of_format(format: &Value, example: &Value) -> bool {
    match (format.as_str(), example.as_str()) {
        (Some("uuid"), Some(text)) => text.parse::<Uuid>().is_ok(),
        // As the service writes them: in UTC, to the microsecond.
        (Some("date-time"), Some(text)) => {
            text.parse::<Timestamp>().is_ok_and(|time| time.to_string() == text)
        }
        _ => true,
    }
}

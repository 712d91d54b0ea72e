//! The AsyncAPI 3 document: channels are routing keys, messages refer to the schemas beside it.
//! Source: <https://www.asyncapi.com/docs/reference/specification/v3.0.0>

use anyhow::anyhow;
use protocol::EventKind;
use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlEmitter, YamlLoader};

use crate::agents;
use crate::roles::{Role, role};

/// The document as YAML.
pub(crate) fn document() -> anyhow::Result<String> {
    let mut channels = Map::new();
    let mut messages = Map::new();
    let mut operations = Map::new();
    for &kind in EventKind::ALL {
        let (name, id, role) = (kind.name(), identifier(kind), role(kind));
        channels.insert(id.clone(), channel(kind, &id, role));
        messages.insert(id.clone(), message(name, role));
        for (action, services) in [("send", role.sent_by), ("receive", role.taken_by)] {
            for service in services {
                let operation = json!({
                    "action": action,
                    "channel": { "$ref": format!("#/channels/{id}") },
                    "summary": format!("{service} {action}s {name}"),
                    "tags": [{ "name": service }],
                });
                operations.insert(format!("{}_{action}_{id}", service.replace('-', "_")), operation);
            }
        }
    }
    channels.extend(agents::channels());
    messages.extend(agents::messages());
    operations.extend(agents::operations());
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "DATS Orchestration events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events over RabbitMQ between the services of DATS Orchestration, workers, QA and cascade \
                services, and the plain JSON protocol of agents. Generated from the protocol types; `send` and `receive` are seen from our services.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "local": { "host": "127.0.0.1:5672", "protocol": "amqp", "description": "A broker on this machine" },
        },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages },
    });
    to_yaml(&document)
}

fn channel(kind: EventKind, id: &str, role: Role) -> Value {
    let exchanges: Vec<&str> = kind.accepted_from().iter().map(|exchange| exchange.name()).collect();
    let mut channel = json!({
        "address": address(kind),
        "description": format!("{}. Exchange: {}.", role.summary, exchanges.join(" or ")),
        "messages": { id: { "$ref": format!("#/components/messages/{id}") } },
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": {
                "name": kind.exchange().name(), "type": "topic", "durable": true, "autoDelete": false, "vhost": "/",
            },
        } },
    });
    if let Some((word, description)) = parameter(kind)
        && let Some(members) = channel.as_object_mut()
    {
        members.insert("parameters".to_owned(), json!({ word: { "description": description } }));
    }
    channel
}

fn message(name: &str, role: Role) -> Value {
    let outside = match role.accepted_from {
        [] => String::new(),
        programs => format!(" May be published from outside by: {}.", programs.join(", ")),
    };
    json!({
        "name": name,
        "title": role.summary,
        "summary": format!("{}.{outside}", role.summary),
        "contentType": "application/cloudevents+json",
        "payload": { "$ref": format!("./schemas/{name}.json") },
    })
}

/// `task.ready.{tier}` and `task.status.{status}` end in a word from their data.
fn parameter(kind: EventKind) -> Option<(&'static str, &'static str)> {
    match kind {
        EventKind::TaskReady => {
            Some(("tier", "The tier: tiny, small, large, frontier, or one from settings"))
        }
        EventKind::TaskStatusChanged => {
            Some(("status", "The status: pending, running, completed, failed or cancelled"))
        }
        _ => None,
    }
}

fn address(kind: EventKind) -> String {
    match parameter(kind) {
        Some((word, _)) => format!("{}.{{{word}}}", kind.name()),
        None => kind.name().to_owned(),
    }
}

/// `task.output.created` as an identifier: `taskOutputCreated`.
fn identifier(kind: EventKind) -> String {
    let mut words = kind.name().split('.');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.extend(letters);
        name
    })
}

/// JSON is YAML, so the loader turns the one into the other.
fn to_yaml(document: &Value) -> anyhow::Result<String> {
    let documents = YamlLoader::load_from_str(&document.to_string())?;
    let document: &Yaml = documents.first().ok_or_else(|| anyhow!("an empty document"))?;
    let mut text = String::from("# Generated by contract-gen (`make contract`); do not edit.\n");
    YamlEmitter::new(&mut text).dump(document).map_err(|error| anyhow!("writing YAML: {error:?}"))?;
    text.push('\n');
    Ok(text)
}

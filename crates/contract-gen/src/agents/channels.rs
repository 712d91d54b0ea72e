//! The agents' queues and exchanges as channels; what they are declared with comes from the topology.

use protocol::topology::{
    self, AGENT_DEAD_LETTER_EXCHANGE, AGENT_DEAD_LETTER_QUEUE, Argument, BROADCAST_EXCHANGE, ExchangeKind,
    QueueSpec, REPLY_QUEUE, WORK_QUEUE,
};
use serde_json::{Map, Value, json};

use super::WireMessageKind;

const ROUTING: &str = "routing-engine";

/// The messages, by identifier.
pub(crate) fn messages() -> Map<String, Value> {
    let described = WireMessageKind::ALL.into_iter().map(|kind| {
        let name = kind.name();
        let message = json!({
            "name": name,
            "title": kind.summary(),
            "summary": format!("{}.", kind.summary()),
            "contentType": "application/json",
            "payload": { "$ref": format!("./agents/schemas/{name}.json") },
        });
        (identifier(kind).to_owned(), message)
    });
    described.collect()
}

/// The queues and exchanges, by identifier.
pub(crate) fn channels() -> Map<String, Value> {
    let queues = topology::agents(WORK_QUEUE).queues;
    let queue = |name: &str, description: &str, kinds: &[WireMessageKind]| {
        let spec = queues.iter().find(|queue| queue.name == name);
        json!({
            "address": name,
            "description": description,
            "messages": references(kinds),
            "bindings": { "amqp": { "is": "queue", "queue": spec.map(declared) } },
        })
    };
    let replies = [
        WireMessageKind::WorkResult,
        WireMessageKind::Heartbeat,
        WireMessageKind::Progress,
        WireMessageKind::Error,
    ];
    let kept = "What agents reject, and replies that they reject, with the broker's x-death headers.";
    [
        (
            "agentWork",
            queue(
                WORK_QUEUE,
                "Work for agents, 5 first, through the default exchange. Agents of all kinds compete for it; settings \
                 may give a kind its own queue, virtual host or broker.",
                &[WireMessageKind::WorkRequest],
            ),
        ),
        (
            "agentReplies",
            queue(REPLY_QUEUE, "Everything that agents tell, through the default exchange.", &replies),
        ),
        ("agentDeadLetters", queue(AGENT_DEAD_LETTER_QUEUE, kept, &WireMessageKind::ALL)),
        ("agentAnnouncements", announcements()),
    ]
    .into_iter()
    .map(|(id, channel)| (id.to_owned(), channel))
    .collect()
}

/// What the routing-engine does with them.
pub(crate) fn operations() -> Map<String, Value> {
    [
        ("send", "agentWork", "hands work to agents, and asks them to stop"),
        ("send", "agentAnnouncements", "asks all agents that listen to stop"),
        ("receive", "agentReplies", "reads what agents tell"),
    ]
    .into_iter()
    .map(|(action, channel, what)| {
        let operation = json!({
            "action": action,
            "channel": { "$ref": format!("#/channels/{channel}") },
            "summary": format!("{ROUTING} {what}"),
            "tags": [{ "name": ROUTING }],
        });
        (format!("routing_engine_{action}_{channel}"), operation)
    })
    .collect()
}

fn announcements() -> Value {
    let exchanges = topology::agents(WORK_QUEUE).exchanges;
    let spec = exchanges.iter().find(|exchange| exchange.name == BROADCAST_EXCHANGE);
    let exchange = spec.map(|exchange| {
        let kind = match exchange.kind {
            ExchangeKind::Topic => "topic",
            ExchangeKind::Direct => "direct",
            ExchangeKind::Fanout => "fanout",
        };
        json!({
            "name": exchange.name, "type": kind, "durable": exchange.durable, "autoDelete": false, "vhost": "/",
        })
    });
    json!({
        "address": "",
        "description": "Cancel requests for every agent that binds a queue to it.",
        "messages": references(&[WireMessageKind::WorkRequest]),
        "bindings": { "amqp": { "is": "routingKey", "exchange": exchange } },
    })
}

/// A queue as agents must declare it, if they do.
fn declared(queue: &QueueSpec) -> Value {
    let arguments: Map<String, Value> = queue
        .arguments
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Argument::Text(text) => json!(text),
                Argument::Number(number) => json!(number),
            };
            ((*name).to_owned(), value)
        })
        .collect();
    let bound: Vec<String> = topology::agents(WORK_QUEUE)
        .bindings
        .into_iter()
        .filter(|binding| binding.queue == queue.name)
        .map(|binding| binding.routing_key)
        .collect();
    let mut declared = json!({
        "name": queue.name, "durable": queue.durable, "exclusive": false, "autoDelete": false, "vhost": "/",
        "x-arguments": arguments,
    });
    if let (false, Some(members)) = (bound.is_empty(), declared.as_object_mut()) {
        members.insert(
            "x-bindings".to_owned(),
            json!({ "exchange": AGENT_DEAD_LETTER_EXCHANGE, "type": "direct", "durable": true, "keys": bound }),
        );
    }
    declared
}

fn references(kinds: &[WireMessageKind]) -> Map<String, Value> {
    let reference = |id: &str| json!({ "$ref": format!("#/components/messages/{id}") });
    kinds.iter().map(|&kind| (identifier(kind).to_owned(), reference(identifier(kind)))).collect()
}

const fn identifier(kind: WireMessageKind) -> &'static str {
    match kind {
        WireMessageKind::WorkRequest => "agentWorkRequest",
        WireMessageKind::WorkResult => "agentWorkResult",
        WireMessageKind::Heartbeat => "agentWorkStatusHeartbeat",
        WireMessageKind::Progress => "agentWorkStatusProgress",
        WireMessageKind::Error => "agentError",
    }
}

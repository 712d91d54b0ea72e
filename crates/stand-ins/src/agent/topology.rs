//! What an agent declares when it connects, exactly as existing agents do, and nothing that they do not.

use protocol::topology::{Argument, BindingSpec, ExchangeKind, ExchangeSpec, QueueSpec, Topology};

/// Where answers go.
pub(super) const REPLY_QUEUE: &str = "reply_queue";
/// Where announcements come from.
pub(super) const BROADCAST_EXCHANGE: &str = "broadcast_exchange";
const DEAD_LETTER_EXCHANGE: &str = "dlx_exchange";
const DEAD_LETTER_QUEUE: &str = "dlx_queue";

/// For an agent that takes its work from `work_queue`.
pub(super) fn declared_by_agents(work_queue: &str) -> Topology {
    let exchange = |name, kind, durable| ExchangeSpec { name, kind, durable, alternate: None };
    let queue = |name: &str, arguments| QueueSpec { name: name.to_owned(), durable: true, arguments };
    let dead_lettered = ("x-dead-letter-exchange", Argument::Text(DEAD_LETTER_EXCHANGE.to_owned()));
    Topology {
        exchanges: vec![
            exchange(BROADCAST_EXCHANGE, ExchangeKind::Fanout, false),
            exchange(DEAD_LETTER_EXCHANGE, ExchangeKind::Direct, true),
        ],
        queues: vec![
            queue(work_queue, vec![("x-max-priority", Argument::Number(5)), dead_lettered.clone()]),
            queue(REPLY_QUEUE, vec![dead_lettered]),
            queue(DEAD_LETTER_QUEUE, vec![("x-max-length", Argument::Number(10_000))]),
        ],
        bindings: vec![BindingSpec {
            queue: DEAD_LETTER_QUEUE.to_owned(),
            exchange: DEAD_LETTER_EXCHANGE,
            routing_key: String::new(),
        }],
    }
}

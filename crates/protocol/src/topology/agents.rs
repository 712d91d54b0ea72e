//! The agent wire protocol's objects, argument for argument as agents declare them (contract 3).

use super::{Argument, BindingSpec, ExchangeKind, ExchangeSpec, QueueSpec, Topology};

/// Work for agents, through the default exchange.
pub const WORK_QUEUE: &str = "work_queue";
/// What agents answer, through the default exchange.
pub const REPLY_QUEUE: &str = "reply_queue";
/// Announcements to every agent.
pub const BROADCAST_EXCHANGE: &str = "broadcast_exchange";
/// Where agents' rejected messages go.
pub const AGENT_DEAD_LETTER_EXCHANGE: &str = "dlx_exchange";
/// Where they are kept.
pub const AGENT_DEAD_LETTER_QUEUE: &str = "dlx_queue";

/// Everything agents expect, plus the two bindings without which the broker drops what they reject, for a work
/// queue of the given name ([`WORK_QUEUE`], or `work_queue.<agent_type>` where settings give a type its own).
#[must_use]
pub fn agents(work_queue: &str) -> Topology {
    let dead_lettered = ("x-dead-letter-exchange", Argument::Text(AGENT_DEAD_LETTER_EXCHANGE.to_owned()));
    let queue = |name: &str, arguments| QueueSpec { name: name.to_owned(), durable: true, arguments };
    let dead_binding = |routing_key: &str| BindingSpec {
        queue: AGENT_DEAD_LETTER_QUEUE.to_owned(),
        exchange: AGENT_DEAD_LETTER_EXCHANGE,
        routing_key: routing_key.to_owned(),
    };
    Topology {
        exchanges: vec![
            ExchangeSpec {
                name: BROADCAST_EXCHANGE,
                kind: ExchangeKind::Fanout,
                durable: false,
                alternate: None,
            },
            ExchangeSpec {
                name: AGENT_DEAD_LETTER_EXCHANGE,
                kind: ExchangeKind::Direct,
                durable: true,
                alternate: None,
            },
        ],
        queues: vec![
            queue(work_queue, vec![("x-max-priority", Argument::Number(5)), dead_lettered.clone()]),
            queue(REPLY_QUEUE, vec![dead_lettered]),
            queue(AGENT_DEAD_LETTER_QUEUE, vec![("x-max-length", Argument::Number(10_000))]),
        ],
        bindings: vec![dead_binding(""), dead_binding(work_queue), dead_binding(REPLY_QUEUE)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_work_and_replies_are_bound_to_the_dead_letter_queue() {
        let keys: Vec<_> =
            agents(WORK_QUEUE).bindings.into_iter().map(|binding| binding.routing_key).collect();
        assert_eq!(keys, ["", "work_queue", "reply_queue"]);
    }
}

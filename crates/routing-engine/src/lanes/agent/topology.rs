//! What is declared on a broker that agents use: their own objects, argument for argument, and where replies are kept
//! that we cannot read. Agents' own dead letters would lose the reason.

use protocol::topology::{
    self, Argument, BindingSpec, DEAD_LETTER_EXCHANGE, ExchangeKind, ExchangeSpec, QueueSpec, REPLY_QUEUE,
    Topology, dead_letter_queue,
};

/// Everything for the given work queues.
pub(super) fn declared<'a>(work_queues: impl IntoIterator<Item = &'a str>) -> Topology {
    work_queues
        .into_iter()
        .fold(unreadable_replies(), |declared, queue| declared.and(topology::agents(queue)))
}

fn unreadable_replies() -> Topology {
    let queue = dead_letter_queue(REPLY_QUEUE);
    Topology {
        exchanges: vec![ExchangeSpec {
            name: DEAD_LETTER_EXCHANGE,
            kind: ExchangeKind::Direct,
            durable: true,
            alternate: None,
        }],
        queues: vec![QueueSpec {
            name: queue.clone(),
            durable: true,
            arguments: vec![("x-queue-type", Argument::Text("quorum".to_owned()))],
        }],
        bindings: vec![BindingSpec {
            queue,
            exchange: DEAD_LETTER_EXCHANGE,
            routing_key: REPLY_QUEUE.to_owned(),
        }],
    }
}

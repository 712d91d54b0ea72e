//! The event side: four topic exchanges, our own quorum queues with their retry and dead-letter queues, the
//! worker queues and the QA queue.

use std::time::Duration;

use super::{Argument, BindingSpec, ExchangeKind, ExchangeSpec, QueueSpec, Topology};
use crate::events::{EventKind, Exchange};
use crate::vocabulary::Tier;

/// Exchange and queue that keep what no binding matched.
pub const UNROUTED: &str = "dats.unrouted";
/// The newest news that nothing of ours lives by, for people and for services that come later.
pub const NOTICES_QUEUE: &str = "dats.notices";
/// Direct exchange that takes dead letters to `<queue>.dead`.
pub const DEAD_LETTER_EXCHANGE: &str = "dats.dead";
/// Event queue of the api-gateway.
pub const GATEWAY_QUEUE: &str = "orchestration-events";
/// Event queue of the routing-engine.
pub const ROUTING_QUEUE: &str = "routing-events";
/// Event queue of the provenance-store.
pub const PROVENANCE_QUEUE: &str = "provenance-events";
/// Requests to the provenance-store.
pub const PROVENANCE_QUERY_QUEUE: &str = "provenance-queries";
/// Where QA finds outputs to judge.
pub const QA_QUEUE: &str = "qa.task-output";

/// Delays of the retry queues of a service queue, in the order in which a failing message walks through them.
pub const RETRY_DELAYS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];

/// News that only services of others may want; where none runs, nobody else is bound for them.
pub const NOTICES: [EventKind; 3] =
    [EventKind::CascadeStarted, EventKind::CascadeCompleted, EventKind::CheckpointCreated];
/// Most notices that are kept, and for how long: older ones give way.
const MOST_NOTICES: i64 = 10_000;
const NOTICES_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Returns allowed to a message of a queue that outsiders may declare too.
const SHARED_DELIVERY_LIMIT: i64 = 20;
/// Returns allowed to a message of a queue that is ours alone.
const OWN_DELIVERY_LIMIT: i64 = 10;

/// Name of the queue that holds the dead letters of `queue`.
#[must_use]
pub fn dead_letter_queue(queue: &str) -> String {
    format!("{queue}.dead")
}

/// Name of the queue in which a message waits `delay` before it returns to `queue`.
#[must_use]
pub fn retry_queue(queue: &str, delay: Duration) -> String {
    format!("{queue}.retry.{}s", delay.as_secs())
}

/// Name of the worker queue of a tier; also the routing key that leads there.
#[must_use]
pub fn worker_queue(tier: &Tier) -> String {
    format!("task.ready.{tier}")
}

/// The four event exchanges, and where their unrouted events are kept.
#[must_use]
pub fn exchanges() -> Topology {
    let unrouted =
        ExchangeSpec { name: UNROUTED, kind: ExchangeKind::Fanout, durable: true, alternate: None };
    let dead = ExchangeSpec {
        name: DEAD_LETTER_EXCHANGE,
        kind: ExchangeKind::Direct,
        durable: true,
        alternate: None,
    };
    let events = Exchange::ALL.iter().map(|exchange| ExchangeSpec {
        name: exchange.name(),
        kind: ExchangeKind::Topic,
        durable: true,
        alternate: Some(UNROUTED),
    });
    Topology {
        exchanges: [unrouted, dead].into_iter().chain(events).collect(),
        queues: vec![QueueSpec { name: UNROUTED.to_owned(), durable: true, arguments: vec![quorum()] }],
        bindings: vec![BindingSpec {
            queue: UNROUTED.to_owned(),
            exchange: UNROUTED,
            routing_key: String::new(),
        }],
    }
}

/// The queue of one of our services: bound to the given events, with its retry and dead-letter queues.
#[must_use]
pub fn service_queue(name: &str, events: &[EventKind]) -> Topology {
    let mut topology = exchanges().and(dead_lettered(name, OWN_DELIVERY_LIMIT));
    for delay in RETRY_DELAYS {
        topology.queues.push(QueueSpec {
            name: retry_queue(name, delay),
            durable: true,
            arguments: vec![
                quorum(),
                ("x-message-ttl", Argument::Number(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))),
                ("x-dead-letter-exchange", Argument::Text(String::new())),
                ("x-dead-letter-routing-key", Argument::Text(name.to_owned())),
                ("x-dead-letter-strategy", Argument::Text("at-least-once".to_owned())),
                ("x-overflow", Argument::Text("reject-publish".to_owned())),
            ],
        });
    }
    for &event in events {
        for exchange in event.accepted_from() {
            topology.bindings.push(BindingSpec {
                queue: name.to_owned(),
                exchange: exchange.name(),
                routing_key: event.binding_key().to_owned(),
            });
        }
    }
    topology
}

/// Where the newest notices are kept, so that they do not pile up among the events that found no queue.
#[must_use]
pub fn notices() -> Topology {
    let kept = i64::try_from(NOTICES_KEPT.as_millis()).unwrap_or(i64::MAX);
    let bindings = NOTICES.iter().flat_map(|event| {
        event.accepted_from().iter().map(|exchange| BindingSpec {
            queue: NOTICES_QUEUE.to_owned(),
            exchange: exchange.name(),
            routing_key: event.binding_key().to_owned(),
        })
    });
    exchanges().and(Topology {
        exchanges: Vec::new(),
        queues: vec![QueueSpec {
            name: NOTICES_QUEUE.to_owned(),
            durable: true,
            arguments: vec![
                quorum(),
                ("x-max-length", Argument::Number(MOST_NOTICES)),
                ("x-message-ttl", Argument::Number(kept)),
                ("x-overflow", Argument::Text("drop-head".to_owned())),
            ],
        }],
        bindings: bindings.collect(),
    })
}

/// The worker queues of the given tiers, declared by us so that work published before any worker runs is kept.
#[must_use]
pub fn worker_queues<'a>(tiers: impl IntoIterator<Item = &'a Tier>) -> Topology {
    tiers.into_iter().fold(exchanges(), |topology, tier| {
        let name = worker_queue(tier);
        topology.and(shared_queue(&name, Exchange::Task, &name))
    })
}

/// The QA queue, bound to every output.
#[must_use]
pub fn qa_queue() -> Topology {
    exchanges().and(shared_queue(QA_QUEUE, Exchange::Task, EventKind::TaskOutputCreated.binding_key()))
}

/// The request queue of the provenance-store. Not quorum: a query that nobody answered in time is worthless.
#[must_use]
pub fn provenance_queries(timeout: Duration) -> Topology {
    Topology {
        queues: vec![QueueSpec {
            name: PROVENANCE_QUERY_QUEUE.to_owned(),
            durable: true,
            arguments: vec![(
                "x-message-ttl",
                Argument::Number(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX)),
            )],
        }],
        ..Topology::default()
    }
}

fn shared_queue(name: &str, exchange: Exchange, routing_key: &str) -> Topology {
    let mut topology = dead_lettered(name, SHARED_DELIVERY_LIMIT);
    topology.bindings.push(BindingSpec {
        queue: name.to_owned(),
        exchange: exchange.name(),
        routing_key: routing_key.to_owned(),
    });
    topology
}

/// A quorum queue with its `<queue>.dead`.
fn dead_lettered(name: &str, delivery_limit: i64) -> Topology {
    let dead = dead_letter_queue(name);
    Topology {
        exchanges: Vec::new(),
        queues: vec![
            QueueSpec {
                name: name.to_owned(),
                durable: true,
                arguments: vec![
                    quorum(),
                    ("x-delivery-limit", Argument::Number(delivery_limit)),
                    ("x-dead-letter-exchange", Argument::Text(DEAD_LETTER_EXCHANGE.to_owned())),
                    ("x-dead-letter-routing-key", Argument::Text(name.to_owned())),
                    ("x-dead-letter-strategy", Argument::Text("at-least-once".to_owned())),
                    ("x-overflow", Argument::Text("reject-publish".to_owned())),
                ],
            },
            QueueSpec { name: dead.clone(), durable: true, arguments: vec![quorum()] },
        ],
        bindings: vec![BindingSpec {
            queue: dead,
            exchange: DEAD_LETTER_EXCHANGE,
            routing_key: name.to_owned(),
        }],
    }
}

fn quorum() -> (&'static str, Argument) {
    ("x-queue-type", Argument::Text("quorum".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_queues_have_exactly_the_arguments_of_the_contract() {
        let topology = worker_queues([&Tier::Small]);
        let queue = topology.queues.iter().find(|queue| queue.name == "task.ready.small").unwrap();
        let text = |value: &str| Argument::Text(value.to_owned());
        assert_eq!(
            queue.arguments,
            [
                ("x-queue-type", text("quorum")),
                ("x-delivery-limit", Argument::Number(20)),
                ("x-dead-letter-exchange", text("dats.dead")),
                ("x-dead-letter-routing-key", text("task.ready.small")),
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-overflow", text("reject-publish")),
            ]
        );
        assert!(topology.bindings.contains(&BindingSpec {
            queue: "task.ready.small.dead".to_owned(),
            exchange: DEAD_LETTER_EXCHANGE,
            routing_key: "task.ready.small".to_owned(),
        }));
    }

    #[test]
    fn verdicts_are_bound_from_both_exchanges() {
        let topology = service_queue(GATEWAY_QUEUE, &[EventKind::TaskValidated]);
        let from: Vec<_> = topology
            .bindings
            .iter()
            .filter(|binding| binding.routing_key == "task.validated")
            .map(|binding| binding.exchange)
            .collect();
        assert_eq!(from, ["task.events", "qa.events"]);
    }
}

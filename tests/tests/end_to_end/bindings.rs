//! What a service understands it is also sent: its queue is bound to exactly the events that the contract for other
//! languages says it receives.

use std::collections::BTreeSet;

use end_to_end::Plan;
use protocol::{EventKind, topology};

const CONTRACT: &str = include_str!("../../../proto-events/asyncapi.yaml");

#[tokio::test]
async fn every_service_is_bound_to_the_events_that_the_contract_says_it_receives() {
    let stack = Plan::new().start().await;
    for (service, queue) in [
        ("api-gateway", topology::GATEWAY_QUEUE),
        ("routing-engine", topology::ROUTING_QUEUE),
        ("provenance-store", topology::PROVENANCE_QUEUE),
    ] {
        let received =
            |kind: &&EventKind| CONTRACT.contains(&format!("summary: {service} receives {}\n", kind.name()));
        let kinds: Vec<_> = EventKind::ALL.iter().filter(received).collect();
        assert!(kinds.len() >= 2, "{service} receives nearly nothing");
        let keys = |kind: &EventKind| {
            let key = kind.binding_key().to_owned();
            kind.accepted_from().iter().map(move |exchange| (exchange.name().to_owned(), key.clone()))
        };
        let expected: BTreeSet<_> = kinds.into_iter().flat_map(keys).collect();
        assert_eq!(stack.outsider().bindings(queue).await, expected, "{service}");
    }
}

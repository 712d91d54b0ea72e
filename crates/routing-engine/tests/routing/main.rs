//! Tests of the routing-engine from its edges: the decision core over generated input, the shipped rules over real
//! descriptions, outside services that misbehave, and a real broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod agent_service;
mod broker;
mod context_service;
mod decision_properties;
mod rules_answers;
mod support;

//! Stand-ins for what lives outside the product: a worker, QA, an agent and an Agent Service, as clients of the public
//! contract.
//! For the demo, the tests and load; each runs as a program of its own or inside another process.

pub mod agent;
pub mod agent_service;
pub mod broker;
pub mod demo;
pub mod logging;
pub mod process;
pub mod qa;
pub mod worker;

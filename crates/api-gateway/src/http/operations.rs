//! For people and machines that operate the service: health, probes, metrics and the API's documentation.

pub(crate) mod docs;
pub(crate) mod failures;
pub(crate) mod health;
pub(crate) mod openapi;
pub(crate) mod probes;
pub(crate) mod queues;
pub(crate) mod workers;

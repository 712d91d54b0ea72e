//! For tests only: a database and a broker of one's own for each test, a network that fails on
//! command, and bounded waiting. Everything here panics with a sentence when it cannot do its work.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "part of tests: a panic is how a test fails"
)]

mod broker;
mod broker_cluster;
mod cleanup;
mod database;
mod database_pair;
mod names;
mod own_servers;
mod proxy;
mod servers;
mod small_disk;
mod tls_proxy;
mod wait;

pub use broker::{Message, TestBroker};
pub use broker_cluster::BrokerCluster;
pub use database::TestDatabase;
pub use database_pair::DatabasePair;
pub use own_servers::OwnServers;
pub use proxy::Proxy;
pub use servers::Servers;
pub use small_disk::SmallDisk;
pub use tls_proxy::{TlsProxy, TlsStart};
pub use wait::{PATIENCE, wait_for, wait_until};

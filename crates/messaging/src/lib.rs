//! RabbitMQ for every service: connections, confirming publisher, batching consumer, request/reply, outbox and inbox.
//! Reconnecting, backoff, retries, dead letters, panics of handlers and draining are solved here, once.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod broker;
mod consumer;
mod dead_letters;
mod delivery;
mod health;
pub mod inbox;
mod listener;
mod message;
pub mod metrics;
pub mod outbox;
mod publisher;
mod rpc;
mod settings;
mod topology;
mod trace;

pub use broker::{Broker, BrokerError, QueueState};
pub use consumer::{
    BatchHandler, Consumer, ConsumerHandle, ConsumerSettings, HandlerError, Outcome, RawHandler, Received,
    Turn,
};
pub use dead_letters::{
    DeadLetter, DeadLetterError, DeadLetters, DeadQueue, Home, MOST_SEEN, Verdict, Visit,
};
pub use delivery::{Delivery, header};
pub use health::BrokerHealth;
pub use listener::{Heard, Listener};
pub use message::{Headers, Outgoing, Properties};
pub use outbox::{OutboxEntry, OutboxRelay, OutboxSettings};
pub use publisher::{PublishError, Publisher, PublisherSettings, Submitted};
pub use rpc::{RpcClient, RpcError, RpcHandler, RpcServer};
pub use settings::{BrokerSettings, EventSettings, SettingsError, TlsSettings};
pub use topology::DeclareError;

//! Section `events` of a service that applies events to a database and publishes what follows from its outbox.

use serde::Deserialize;
use service_runtime::settings::SettingsError;

use super::BrokerSettings;
use crate::consumer::ConsumerSettings;
use crate::outbox::OutboxSettings;
use crate::publisher::PublisherSettings;

/// See the module.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    /// The broker.
    pub rabbitmq: BrokerSettings,
    /// Deliveries taken ahead of their acknowledgement.
    pub prefetch: u16,
    /// Most events in one transaction.
    pub max_batch: usize,
    /// The publisher.
    pub publisher: PublisherSettings,
    /// The outbox.
    pub outbox: OutboxSettings,
}

impl EventSettings {
    /// How the service's queue is consumed.
    #[must_use]
    pub fn consumer(&self, queue: &str) -> ConsumerSettings {
        ConsumerSettings {
            prefetch: self.prefetch,
            max_batch: self.max_batch,
            ..ConsumerSettings::new(queue)
        }
    }

    /// # Errors
    /// Names the first member that makes no sense.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let positive = [("events.prefetch", self.prefetch == 0), ("events.max_batch", self.max_batch == 0)];
        match positive.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((key, _)) => Err(SettingsError::invalid(key, "must be above 0")),
            None => Ok(()),
        }
    }
}

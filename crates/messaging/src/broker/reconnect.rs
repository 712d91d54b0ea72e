//! Opening a session for as long as it takes: capped exponential backoff with jitter, and a log that says what is
//! wrong without repeating itself every few seconds.

use std::time::Duration;

use protocol::topology::Topology;
use service_runtime::backoff::Backoff;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Broker, BrokerError, Session};

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// A session that lived this long was a good one: the next loss starts again with a short delay.
const GOOD_SESSION: Duration = Duration::from_secs(10);

/// The supervisor of one role's sessions.
pub(crate) struct Reconnect {
    broker: Broker,
    role: String,
    topology: Topology,
    confirms: bool,
    backoff: Backoff,
    failures: u32,
    opened_at: Option<Instant>,
}

impl Reconnect {
    /// `role` names the connection, as in "publisher" or "consumer of task.ready.tiny".
    pub(crate) fn new(broker: &Broker, role: String, topology: Topology, confirms: bool) -> Self {
        Self {
            broker: broker.clone(),
            role,
            topology,
            confirms,
            backoff: Backoff::new(FIRST_DELAY, LONGEST_DELAY),
            failures: 0,
            opened_at: None,
        }
    }

    /// Opens a session; `None` when `stop` comes first.
    pub(crate) async fn open(&mut self, stop: &CancellationToken) -> Option<Session> {
        // Losing one good session is no reason to wait; losing sessions in a row is.
        match self.opened_at.take() {
            Some(opened_at) if opened_at.elapsed() >= GOOD_SESSION => self.backoff.reset(),
            Some(_) => self.pause(stop).await?,
            None => {}
        }
        loop {
            let attempt = self.broker.open(&self.role, &self.topology, self.confirms);
            let opened = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                opened = attempt => opened,
            };
            match opened {
                Ok(session) => {
                    self.succeeded();
                    return Some(session);
                }
                Err(error) => {
                    self.failed(&error);
                    self.pause(stop).await?;
                }
            }
        }
    }

    /// Says that the session could not be used, for a reason that the broker told after it was opened.
    pub(crate) fn failed(&mut self, error: &BrokerError) {
        self.failures = self.failures.saturating_add(1);
        let (role, address) = (self.role.as_str(), self.broker.address());
        if self.failures.is_power_of_two() {
            warn!(amqp.role = role, amqp.address = address, failures = self.failures, "broker: {error}");
        } else {
            debug!(amqp.role = role, amqp.address = address, failures = self.failures, "broker: {error}");
        }
    }

    fn succeeded(&mut self) {
        info!(amqp.role = self.role, amqp.address = self.broker.address(), "connected to the broker");
        metrics::counter!(crate::metrics::SESSIONS, "role" => self.role.clone()).increment(1);
        self.failures = 0;
        self.opened_at = Some(Instant::now());
    }

    async fn pause(&mut self, stop: &CancellationToken) -> Option<()> {
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            () = tokio::time::sleep(self.backoff.next_delay()) => Some(()),
        }
    }
}

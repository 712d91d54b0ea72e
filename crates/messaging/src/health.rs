//! How a session is doing, readable at any time without asking the session's task.

use std::sync::atomic::{AtomicBool, Ordering};

/// State of one publisher, consumer or request/reply client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BrokerHealth {
    /// It has a session with the broker.
    pub connected: bool,
    /// It has one, but nothing moves: a publisher's confirms stay away (the broker is out of memory or disk, or
    /// frozen), or a consumer's handler waits for something that is away.
    pub stalled: bool,
}

impl BrokerHealth {
    /// Connected and moving.
    #[must_use]
    pub const fn is_good(self) -> bool {
        self.connected && !self.stalled
    }
}

/// Written by a session's task, read by everybody. The two flags need no common snapshot.
#[derive(Debug, Default)]
pub(crate) struct HealthCell {
    connected: AtomicBool,
    stalled: AtomicBool,
}

impl HealthCell {
    pub(crate) fn get(&self) -> BrokerHealth {
        BrokerHealth {
            connected: self.connected.load(Ordering::Relaxed),
            stalled: self.stalled.load(Ordering::Relaxed),
        }
    }

    /// A new session, or none, is not stalled yet.
    pub(crate) fn set_connected(&self, connected: bool) {
        self.stalled.store(false, Ordering::Relaxed);
        self.connected.store(connected, Ordering::Relaxed);
    }

    /// Returns whether that is news.
    pub(crate) fn set_stalled(&self, stalled: bool) -> bool {
        self.stalled.swap(stalled, Ordering::Relaxed) != stalled
    }
}

//! How long the edge waits, for clients and for what is behind it. Part of the application's data.

use std::time::Duration;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Longest time until an answer begins. Something that hangs without a word must not leave a client without one.
    pub answer: Duration,
    /// Longest time in which a body has to arrive.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: Duration::from_secs(10), body: Duration::from_secs(8) }
    }
}

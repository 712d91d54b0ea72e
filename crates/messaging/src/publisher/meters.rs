//! What the publisher tells of itself, in metrics and to its handles.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::PublishError;
use super::window::Unconfirmed;

pub(super) struct Meters {
    confirmed: Counter,
    nacked: Counter,
    unroutable: Counter,
    refused: Counter,
    republished: Counter,
    confirm_seconds: Histogram,
    unconfirmed: Gauge,
    /// The same number for the handles.
    shown: Arc<AtomicUsize>,
}

impl Meters {
    pub(super) fn new(shown: Arc<AtomicUsize>) -> Self {
        let settled = |outcome| counter!(crate::metrics::PUBLISHED, "outcome" => outcome);
        Self {
            confirmed: settled("confirmed"),
            nacked: settled("nacked"),
            unroutable: settled("unroutable"),
            refused: settled("refused"),
            republished: counter!(crate::metrics::REPUBLISHED),
            confirm_seconds: histogram!(crate::metrics::CONFIRM_SECONDS),
            unconfirmed: gauge!(crate::metrics::UNCONFIRMED),
            shown,
        }
    }

    /// Tells the caller that the broker has its message, or that no queue does.
    pub(super) fn confirmed(&self, Unconfirmed { entry, sent_at, returned }: Unconfirmed) {
        self.confirm_seconds.record(sent_at.elapsed().as_secs_f64());
        if returned {
            self.unroutable.increment(1);
            entry.settle(Err(PublishError::Unroutable));
        } else {
            self.confirmed.increment(1);
            entry.settle(Ok(()));
        }
    }

    pub(super) fn nacked(&self) {
        self.nacked.increment(1);
    }

    pub(super) fn refused(&self) {
        self.refused.increment(1);
    }

    pub(super) fn republished(&self, messages: usize) {
        self.republished.increment(messages as u64);
    }

    pub(super) fn unconfirmed(&self, messages: usize) {
        self.shown.store(messages, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a window has at most a few thousand messages")]
        self.unconfirmed.set(messages as f64);
    }
}

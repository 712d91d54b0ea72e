//! What a consumer tells of itself in metrics.

use metrics::{Counter, Histogram, counter, histogram};

pub(super) struct Meters {
    delivered: Counter,
    redelivered: Counter,
    batch_size: Histogram,
    /// For the task of a batch to write to.
    pub(super) batch_seconds: Histogram,
}

impl Meters {
    pub(super) fn new(queue: &str) -> Self {
        let queue = queue.to_owned();
        Self {
            delivered: counter!(crate::metrics::DELIVERED, "queue" => queue.clone()),
            redelivered: counter!(crate::metrics::REDELIVERED, "queue" => queue.clone()),
            batch_size: histogram!(crate::metrics::BATCH_SIZE, "queue" => queue.clone()),
            batch_seconds: histogram!(crate::metrics::BATCH_SECONDS, "queue" => queue),
        }
    }

    pub(super) fn batch(&self, messages: usize, redelivered: u64) {
        self.delivered.increment(messages as u64);
        self.redelivered.increment(redelivered);
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most a few hundred messages")]
        self.batch_size.record(messages as f64);
    }
}

//! Queues: measures how full they are and who takes from them, and tells when dead letters have come.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use metrics::gauge;
use service_runtime::database::StoreError;
use tracing::{debug, warn};

use super::schedule::{Pass, Reconciler};
use crate::metrics::{QUEUE_CONSUMERS, QUEUE_MESSAGES};
use crate::queues::Queues;

/// See the module.
pub(crate) struct QueueWatch {
    /// What it looks at.
    pub(crate) queues: Queues,
    /// How often.
    pub(crate) interval: Duration,
    /// Dead letters that were there at the last look.
    pub(crate) known: HashMap<String, u32>,
}

#[async_trait]
impl Reconciler for QueueWatch {
    const NAME: &'static str = "queues";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        std::future::pending().await
    }

    /// A broker that is away is told of elsewhere.
    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        match self.queues.look().await {
            Ok(reports) => {
                for report in reports {
                    let (messages, consumers) = (report.state.messages, report.state.consumers);
                    gauge!(QUEUE_MESSAGES, "queue" => report.name.clone()).set(messages);
                    gauge!(QUEUE_CONSUMERS, "queue" => report.name.clone()).set(consumers);
                    if self.queues.is_dead(&report.name) {
                        self.note_dead(report.name, messages);
                    }
                }
            }
            Err(error) => debug!(%error, "the queues could not be looked at"),
        }
        Ok(Pass::Settled { next: None })
    }
}

impl QueueWatch {
    fn note_dead(&mut self, queue: String, messages: u32) {
        let before = self.known.get(&queue).copied().unwrap_or_default();
        if messages > before {
            let new = messages - before;
            warn!(queue, new, messages, "there are new dead letters: GET /api/v1/dead-letters lists them");
        }
        self.known.insert(queue, messages);
    }
}

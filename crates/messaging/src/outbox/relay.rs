//! The fast path: committed events go from memory to the publisher in the order of their dispatch.

use std::sync::Arc;

use metrics::{Counter, counter};
use service_runtime::database::Pool;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::forget::Forgetter;
use super::memory::{Admission, Memory};
use super::sweeper::Sweeper;
use super::{OutboxEntry, OutboxSettings};
use crate::message::Outgoing;
use crate::publisher::{PublishError, Publisher, Settled};

/// Takes committed events on their way.
#[derive(Clone)]
pub struct OutboxRelay {
    input: mpsc::UnboundedSender<Vec<OutboxEntry>>,
    memory: Arc<Memory>,
    deferred: Counter,
}

impl OutboxRelay {
    /// Starts the relay and its sweeper. They end after `stop`, when what is in memory is published and deleted or
    /// the drain timeout has passed; stop the publisher after that.
    #[must_use]
    pub fn start(
        pool: Pool,
        publisher: Publisher,
        settings: &OutboxSettings,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (input, receiver) = mpsc::unbounded_channel();
        let memory = Arc::new(Memory::new(settings.memory_events, settings.memory_bytes));
        let relay =
            Self { input, memory: Arc::clone(&memory), deferred: counter!(crate::metrics::OUTBOX_DEFERRED) };
        let running = run(receiver, memory, pool, publisher, settings.clone(), stop);
        (relay, tokio::spawn(running))
    }

    /// Publishes entries whose rows are committed. Never blocks: what does not fit into memory is left to the
    /// sweeper, as is everything after the relay has stopped.
    pub fn dispatch(&self, mut entries: Vec<OutboxEntry>) {
        let offered = entries.len();
        entries.retain(|entry| self.memory.admit(entry.id, entry.message.body.len()) == Admission::Admitted);
        let deferred = offered - entries.len();
        if deferred > 0 {
            self.deferred.increment(deferred as u64);
        }
        if let Err(stopped) = self.input.send(entries) {
            self.memory.release(stopped.0.iter().map(|entry| &entry.id));
        }
    }
}

/// Feeds the publisher. What the publisher settles goes to the forgetter.
pub(super) struct Feeder {
    publisher: Publisher,
    memory: Arc<Memory>,
    results: mpsc::UnboundedSender<Settled>,
}

impl Feeder {
    /// Hands an entry that memory has admitted to the publisher; waits while that is full. False when it has stopped.
    pub(super) async fn feed(&self, entry: OutboxEntry) -> bool {
        let OutboxEntry { id, message } = entry;
        match self.publisher.submit(Outgoing::from(message), id.as_u128(), &self.results).await {
            Ok(()) => true,
            Err(PublishError::Stopped) => {
                self.memory.release([&id]);
                false
            }
            Err(refused) => {
                error!(message.id = %id, "an event in the outbox cannot be published: {refused}");
                self.memory.release([&id]);
                true
            }
        }
    }

    pub(super) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }
}

async fn run(
    mut input: mpsc::UnboundedReceiver<Vec<OutboxEntry>>,
    memory: Arc<Memory>,
    pool: Pool,
    publisher: Publisher,
    settings: OutboxSettings,
    stop: CancellationToken,
) {
    let (results, settled) = mpsc::unbounded_channel();
    let forgetter = Forgetter::new(pool.clone(), Arc::clone(&memory));
    let mut forgetting = tokio::spawn(forgetter.run(settled));
    let feeder = Arc::new(Feeder { publisher, memory, results });
    let sweeper = Sweeper::new(pool, Arc::clone(&feeder), settings.clone());
    let sweeping = tokio::spawn(sweeper.run(stop.clone()));

    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(settings.drain_timeout()).await;
    };
    let drained = async {
        // With the feeder goes the last sender of results; the forgetter ends when everything submitted is settled
        // and deleted.
        feed_until_stopped(feeder, &mut input, &stop).await;
        let _ = sweeping.await;
        let _ = (&mut forgetting).await;
    };
    tokio::select! {
        () = drained => {}
        () = deadline => warn!("outbox relay stopped before everything was published; the next start goes on"),
    }
    forgetting.abort();
}

/// After `stop`, what was dispatched before it is still fed.
async fn feed_until_stopped(
    feeder: Arc<Feeder>,
    input: &mut mpsc::UnboundedReceiver<Vec<OutboxEntry>>,
    stop: &CancellationToken,
) {
    loop {
        let entries = tokio::select! {
            biased;
            entries = input.recv() => entries,
            () = stop.cancelled() => {
                input.close();
                input.recv().await
            }
        };
        let Some(entries) = entries else { return };
        for entry in entries {
            feeder.feed(entry).await;
        }
    }
}

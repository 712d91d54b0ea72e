//! Group commit: whatever waits at the same moment is written together and answered together.
//! There is no timer: what comes alone is a batch of one and waits for nothing. With a second writer, what comes
//! while a batch is on its way to the disk need not wait for that one either. Memory is bounded by the channel; when it
//! is full, the newcomer is told so at once.

use async_trait::async_trait;
use futures_util::future::join_all;
use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Writes a batch in one transaction.
#[async_trait]
pub(crate) trait BatchWriter: Send + Sync + 'static {
    /// What is written.
    type Item: Send + 'static;
    /// What one item is answered with.
    type Answer: Send + 'static;

    /// Writes `batch` and gives one answer per item, in the same order.
    async fn write(&self, batch: Vec<Self::Item>) -> Vec<Self::Answer>;
}

/// Why an item was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum CollectError {
    /// More waits than is allowed to.
    #[error("too many submissions are waiting")]
    Overloaded,
    /// The writer has ended.
    #[error("the writer has stopped")]
    Stopped,
}

/// How much may wait, and how much is written at once.
#[derive(Debug, Clone, Copy)]
pub struct CollectorSettings {
    /// Items that may wait for the writer.
    pub capacity: usize,
    /// Most items of one batch.
    pub max_batch: usize,
    /// Batches that may be written at the same time.
    pub writers: usize,
}

struct Waiting<W: BatchWriter> {
    item: W::Item,
    answer: oneshot::Sender<W::Answer>,
}

/// The way in. Cheap to clone; the writer ends when the last clone is gone or it is told to stop.
pub(crate) struct Collector<W: BatchWriter> {
    waiting: mpsc::Sender<Waiting<W>>,
}

impl<W: BatchWriter> Clone for Collector<W> {
    fn clone(&self) -> Self {
        Self { waiting: self.waiting.clone() }
    }
}

impl<W: BatchWriter> Collector<W> {
    /// The way in, and the loop that writes; the caller spawns the loop. When `stop` is cancelled the loop
    /// takes nothing new, writes and answers what already waits, and ends.
    pub(crate) fn new(
        settings: CollectorSettings,
        writer: W,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, receiver) = mpsc::channel(settings.capacity.max(1));
        (Self { waiting: sender }, write_batches(receiver, writer, settings, stop))
    }

    /// Hands in `item` and waits until its batch is committed.
    ///
    /// # Errors
    /// [`CollectError::Overloaded`] at once when too much waits, [`CollectError::Stopped`] after the end.
    pub(crate) async fn write(&self, item: W::Item) -> Result<W::Answer, CollectError> {
        let (answer, answered) = oneshot::channel();
        self.waiting.try_send(Waiting { item, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => CollectError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => CollectError::Stopped,
        })?;
        answered.await.map_err(|_| CollectError::Stopped)
    }
}

async fn write_batches<W: BatchWriter>(
    waiting: mpsc::Receiver<Waiting<W>>,
    writer: W,
    settings: CollectorSettings,
    stop: CancellationToken,
) {
    let waiting = Mutex::new(waiting);
    let most = settings.max_batch.max(1);
    join_all((0..settings.writers.max(1)).map(|_| write_in_turn(&waiting, &writer, most, &stop))).await;
}

/// Takes what waits and writes it, again and again; whoever takes has the others wait, whoever writes does not.
async fn write_in_turn<W: BatchWriter>(
    waiting: &Mutex<mpsc::Receiver<Waiting<W>>>,
    writer: &W,
    most: usize,
    stop: &CancellationToken,
) {
    loop {
        let mut taken = take(&mut *waiting.lock().await, most, stop).await;
        if taken.is_empty() {
            return;
        }
        // Nobody waits for the answer any more: the client is gone and was promised nothing.
        taken.retain(|entry: &Waiting<W>| !entry.answer.is_closed());
        let (items, answers): (Vec<_>, Vec<_>) =
            taken.into_iter().map(|entry| (entry.item, entry.answer)).unzip();
        if items.is_empty() {
            continue;
        }
        for (answer, result) in answers.into_iter().zip(writer.write(items).await) {
            // A client that left meanwhile has its task nevertheless; it can find it by listing.
            let _ = answer.send(result);
        }
    }
}

/// What waits, at least one item; none when nothing will come any more.
async fn take<T>(waiting: &mut mpsc::Receiver<T>, most: usize, stop: &CancellationToken) -> Vec<T> {
    let mut taken = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = waiting.recv_many(&mut taken, most) => return taken,
            () = stop.cancelled(), if !waiting.is_closed() => waiting.close(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles numbers; waits for a permit before each batch and records the sizes it saw.
    struct Doubler {
        permits: std::sync::Arc<tokio::sync::Semaphore>,
        sizes: mpsc::UnboundedSender<usize>,
    }

    #[async_trait]
    impl BatchWriter for Doubler {
        type Item = u32;
        type Answer = u32;

        async fn write(&self, batch: Vec<u32>) -> Vec<u32> {
            self.sizes.send(batch.len()).unwrap();
            self.permits.acquire().await.unwrap().forget();
            batch.into_iter().map(|number| number * 2).collect()
        }
    }

    struct Setup {
        collector: Collector<Doubler>,
        permits: std::sync::Arc<tokio::sync::Semaphore>,
        sizes: mpsc::UnboundedReceiver<usize>,
        stop: CancellationToken,
        ended: tokio::task::JoinHandle<()>,
    }

    fn start(capacity: usize, max_batch: usize) -> Setup {
        start_with(CollectorSettings { capacity, max_batch, writers: 1 })
    }

    fn start_with(settings: CollectorSettings) -> Setup {
        let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
        let (sender, sizes) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let (collector, run) =
            Collector::new(settings, Doubler { permits: permits.clone(), sizes: sender }, stop.clone());
        Setup { collector, permits, sizes, stop, ended: tokio::spawn(run) }
    }

    #[tokio::test]
    async fn what_waits_meanwhile_is_written_together_and_everybody_gets_the_own_answer() {
        let mut setup = start(16, 4);
        let write = |number| {
            let collector = setup.collector.clone();
            tokio::spawn(async move { collector.write(number).await.unwrap() })
        };
        let first = write(1);
        assert_eq!(setup.sizes.recv().await, Some(1));
        let rest: Vec<_> = (2..=6).map(write).collect();
        while setup.collector.waiting.capacity() > 16 - 5 {
            tokio::task::yield_now().await;
        }
        setup.permits.add_permits(10);
        assert_eq!(first.await.unwrap(), 2);
        assert_eq!(setup.sizes.recv().await, Some(4));
        assert_eq!(setup.sizes.recv().await, Some(1));
        let answers = futures_util::future::join_all(rest).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, [4, 6, 8, 10, 12]);
    }

    #[tokio::test]
    async fn a_second_writer_takes_what_comes_while_the_first_one_writes() {
        let mut setup = start_with(CollectorSettings { capacity: 16, max_batch: 4, writers: 2 });
        let write = |number| {
            let collector = setup.collector.clone();
            tokio::spawn(async move { collector.write(number).await.unwrap() })
        };
        let first = write(1);
        assert_eq!(setup.sizes.recv().await, Some(1));
        let second = write(2);
        assert_eq!(setup.sizes.recv().await, Some(1), "while the first one still waits for its permit");
        let third = write(3);
        while setup.collector.waiting.capacity() == 16 {
            tokio::task::yield_now().await;
        }
        assert!(setup.sizes.try_recv().is_err(), "no third batch at the same time");
        setup.permits.add_permits(10);
        assert_eq!((first.await.unwrap(), second.await.unwrap(), third.await.unwrap()), (2, 4, 6));
        setup.stop.cancel();
        setup.ended.await.unwrap();
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let mut setup = start(1, 1);
        let collector = setup.collector.clone();
        let first = tokio::spawn(async move { collector.write(1).await });
        assert_eq!(setup.sizes.recv().await, Some(1));
        let collector = setup.collector.clone();
        let second = tokio::spawn(async move { collector.write(2).await });
        while setup.collector.waiting.capacity() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(setup.collector.write(3).await, Err(CollectError::Overloaded));
        setup.permits.add_permits(10);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(2), Ok(4)));
    }

    #[tokio::test]
    async fn stopping_answers_what_waits_and_takes_nothing_new() {
        let mut setup = start(4, 4);
        let collector = setup.collector.clone();
        let first = tokio::spawn(async move { collector.write(1).await });
        assert_eq!(setup.sizes.recv().await, Some(1));
        let collector = setup.collector.clone();
        let second = tokio::spawn(async move { collector.write(2).await });
        while setup.collector.waiting.capacity() > 3 {
            tokio::task::yield_now().await;
        }
        setup.stop.cancel();
        setup.permits.add_permits(10);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(2), Ok(4)));
        setup.ended.await.unwrap();
        assert_eq!(setup.collector.write(3).await, Err(CollectError::Stopped));
    }
}

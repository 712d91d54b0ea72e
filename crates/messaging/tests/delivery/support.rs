//! What every test here needs: a queue with all that belongs to it, a publisher, handlers made of closures, events.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use messaging::{
    BatchHandler, Broker, BrokerSettings, Consumer, ConsumerHandle, ConsumerSettings, Delivery, HandlerError,
    Outcome, Publisher, PublisherSettings, RawHandler, Received, Turn,
};
use protocol::events::{EventKind, TaskStarted};
use protocol::topology::{self, Topology};
use protocol::{Event, EventId, TaskId, WireMessage};
use service_runtime::database::{self, DatabaseSettings, Pool};
use test_support::{PATIENCE, TestBroker, wait_until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const QUEUE: &str = "test-events";
pub(crate) const STARTED: &str = "task.started";

/// A service queue that gets `task.started`.
pub(crate) fn topology() -> Topology {
    topology::service_queue(QUEUE, &[EventKind::TaskStarted])
}

pub(crate) fn broker(url: &str) -> Broker {
    Broker::new(&BrokerSettings::from_url(url), "test").unwrap()
}

pub(crate) fn started() -> Event {
    let data = TaskStarted {
        task_id: TaskId(Uuid::now_v7()),
        attempt: Some(1),
        worker_id: Some("w-1".to_owned()),
        agent_id: None,
        request_id: None,
        message: None,
    };
    Event::new("/orchestration/test", Utc::now(), data)
}

/// A pool that is patient: the machine may be busy.
pub(crate) fn pool(url: &str) -> Pool {
    let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
    let settings = DatabaseSettings { connect_timeout_ms: patience, ..DatabaseSettings::new(url) };
    database::connect(&settings).unwrap()
}

/// A pool as a service has it, which gives up soon.
pub(crate) fn impatient_pool(url: &str) -> Pool {
    database::connect(&DatabaseSettings::new(url)).unwrap()
}

pub(crate) fn wire(event: &Event) -> WireMessage {
    event.to_wire(None).unwrap()
}

/// Some events and their ids.
pub(crate) fn many(count: usize) -> (Vec<WireMessage>, Vec<EventId>) {
    let events: Vec<Event> = (0..count).map(|_| started()).collect();
    (events.iter().map(wire).collect(), events.iter().map(|event| event.id).collect())
}

/// A running task that is told to stop, and waited for, by hand.
pub(crate) struct Running<T> {
    pub(crate) handle: T,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl<T> Running<T> {
    pub(crate) fn start(start: impl FnOnce(CancellationToken) -> (T, JoinHandle<()>)) -> Self {
        let stop = CancellationToken::new();
        let (handle, task) = start(stop.clone());
        Self { handle, stop, task }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("ends when told to").unwrap();
    }
}

pub(crate) fn publisher(broker: &Broker) -> Running<Publisher> {
    publisher_with(broker, &PublisherSettings::default())
}

pub(crate) fn publisher_with(broker: &Broker, settings: &PublisherSettings) -> Running<Publisher> {
    Running::start(|stop| Publisher::start(broker, topology(), settings, stop))
}

pub(crate) async fn connected(publisher: &Publisher) {
    wait_until("the publisher to connect", PATIENCE, || async { publisher.health().connected }).await;
}

/// The queue's settings with a ladder of two short delays.
pub(crate) fn settings() -> ConsumerSettings {
    let second = Duration::from_secs(1);
    ConsumerSettings { retry_delays: vec![second, second], ..ConsumerSettings::new(QUEUE) }
}

pub(crate) fn consumer<F>(
    broker: &Broker,
    publisher: &Publisher,
    settings: ConsumerSettings,
    handler: F,
) -> Running<ConsumerHandle>
where
    F: Fn(Vec<Received>) -> Handled + Send + Sync + 'static,
{
    let handler = Arc::new(Handler(handler));
    Running::start(|stop| Consumer::start(broker, topology(), publisher.clone(), settings, handler, stop))
}

pub(crate) fn raw_consumer<F>(
    broker: &Broker,
    publisher: &Publisher,
    settings: ConsumerSettings,
    handler: F,
) -> Running<ConsumerHandle>
where
    F: Fn(Vec<Arc<Delivery>>) -> Handled + Send + Sync + 'static,
{
    let handler = Arc::new(Handler(handler));
    Running::start(|stop| Consumer::start_raw(broker, topology(), publisher.clone(), settings, handler, stop))
}

pub(crate) type Handled = Pin<Box<dyn Future<Output = Result<Vec<Outcome>, HandlerError>> + Send>>;

/// The outcome of a handler that waits for nothing.
pub(crate) fn at_once(outcome: Result<Vec<Outcome>, HandlerError>) -> Handled {
    Box::pin(std::future::ready(outcome))
}

pub(crate) fn all_done(count: usize) -> Handled {
    at_once(Ok(vec![Outcome::Done; count]))
}

struct Handler<F>(F);

#[async_trait]
impl<F> BatchHandler for Handler<F>
where
    F: Fn(Vec<Received>) -> Handled + Send + Sync + 'static,
{
    async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
        (self.0)(batch).await
    }
}

#[async_trait]
impl<F> RawHandler for Handler<F>
where
    F: Fn(Vec<Arc<Delivery>>) -> Handled + Send + Sync + 'static,
{
    async fn handle(&self, batch: Vec<Arc<Delivery>>, _: Turn) -> Result<Vec<Outcome>, HandlerError> {
        (self.0)(batch).await
    }
}

/// Things seen, in order, shared with a handler.
pub(crate) struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Seen<T> {
    pub(crate) fn add(&self, thing: T) {
        self.0.lock().unwrap().push(thing);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits until at least so many were seen.
    pub(crate) async fn reach(&self, count: usize) {
        wait_until(&format!("{count} to be seen"), PATIENCE, || async { self.count() >= count }).await;
    }
}

/// Takes everything from the queue, acknowledged, in order, until it has been empty for a while.
pub(crate) async fn message_ids_in(broker: &TestBroker, queue: &str) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(message) = broker.get_message(queue).await {
        ids.push(message.message_id.expect("a message id"));
    }
    ids
}

pub(crate) async fn depth(broker: &TestBroker, queue: &str, expected: u32) {
    let what = format!("{queue} to hold {expected} messages");
    wait_until(&what, PATIENCE, || async { broker.queue_depth(queue).await == Some(expected) }).await;
}

/// As text, the way messages carry them.
pub(crate) fn texts(ids: &[EventId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A list without its repetitions; the first of each stays.
pub(crate) fn first_copies<T: Clone + Eq + std::hash::Hash>(list: &[T]) -> Vec<T> {
    let mut known = std::collections::HashSet::new();
    list.iter().filter(|item| known.insert(*item)).cloned().collect()
}

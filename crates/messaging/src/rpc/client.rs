//! Asks questions. One actor owns the session; answers come back over the broker's direct reply-to, which needs no
//! queue of its own. A lost session fails all open calls at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use amqprs::channel::ConsumerMessage;
use protocol::WireMessage;
use protocol::topology::Topology;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::RpcError;
use crate::broker::{Broker, ChannelEvent, Reconnect, Session, Subscription, Take};
use crate::health::{BrokerHealth, HealthCell};
use crate::message::{Outgoing, Properties};
use crate::trace;

/// The broker's pseudo queue for direct replies; has to be consumed before the first question is published.
const REPLY_TO: &str = "amq.rabbitmq.reply-to";
/// Most calls open at once.
const MOST_CALLS: usize = 2048;
const INPUT_CAPACITY: usize = 256;
/// How often calls are forgotten whose callers have given up.
const TIDY: Duration = Duration::from_secs(1);

const NOT_CONNECTED: &str = "not connected to the broker";
const LOST: &str = "the connection to the broker was lost";
const NO_QUEUE: &str = "nobody has declared the queue";
const BUSY: &str = "too many calls are open";
const STOPPED: &str = "this service is stopping";

/// Asks questions of other services.
#[derive(Clone)]
pub struct RpcClient {
    input: mpsc::Sender<Call>,
    health: Arc<HealthCell>,
}

struct Call {
    queue: String,
    body: Vec<u8>,
    expiration: Duration,
    traceparent: Option<String>,
    reply: oneshot::Sender<Result<Vec<u8>, RpcError>>,
}

type Open = HashMap<u64, oneshot::Sender<Result<Vec<u8>, RpcError>>>;

struct Actor {
    reconnect: Reconnect,
    input: mpsc::Receiver<Call>,
    open: Open,
    next_id: u64,
    health: Arc<HealthCell>,
    stop: CancellationToken,
}

impl RpcClient {
    /// Starts the actor, which ends after `stop` or when every handle is gone.
    #[must_use]
    pub fn start(broker: &Broker, topology: Topology, stop: CancellationToken) -> (Self, JoinHandle<()>) {
        let (input, receiver) = mpsc::channel(INPUT_CAPACITY);
        let health = Arc::new(HealthCell::default());
        let actor = Actor {
            reconnect: Reconnect::new(broker, "calls".to_owned(), topology, false),
            input: receiver,
            open: HashMap::new(),
            next_id: 0,
            health: Arc::clone(&health),
            stop,
        };
        (Self { input, health }, tokio::spawn(actor.run()))
    }

    /// Sends `body` to `queue` and waits for the answer. May be dropped at any time.
    ///
    /// # Errors
    /// [`RpcError::Timeout`] after `timeout`; [`RpcError::Unavailable`] at once when there is no connection, when it
    /// is lost, or when nobody has declared the queue.
    pub async fn call(&self, queue: &str, body: Vec<u8>, timeout: Duration) -> Result<Vec<u8>, RpcError> {
        let started_at = Instant::now();
        let answer = self.ask(queue, body, timeout);
        let answer = tokio::time::timeout(timeout, answer).await.unwrap_or(Err(RpcError::Timeout));
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(RpcError::Timeout) => "timeout",
            Err(RpcError::Unavailable(_)) => "unavailable",
        };
        metrics::counter!(crate::metrics::CALLS, "queue" => queue.to_owned(), "outcome" => outcome)
            .increment(1);
        metrics::histogram!(crate::metrics::CALL_SECONDS, "queue" => queue.to_owned())
            .record(started_at.elapsed().as_secs_f64());
        answer
    }

    async fn ask(&self, queue: &str, body: Vec<u8>, expiration: Duration) -> Result<Vec<u8>, RpcError> {
        let (reply, answer) = oneshot::channel();
        let traceparent = trace::current().map(protocol::trace_context::TraceParent::to_header);
        let call = Call { queue: queue.to_owned(), body, expiration, traceparent, reply };
        self.input.send(call).await.map_err(|_| RpcError::Unavailable(STOPPED))?;
        answer.await.unwrap_or(Err(RpcError::Unavailable(STOPPED)))
    }

    /// How it is doing.
    #[must_use]
    pub fn health(&self) -> BrokerHealth {
        self.health.get()
    }
}

impl Actor {
    async fn run(mut self) {
        let stop = self.stop.clone();
        while let Some(session) = self.connect(&stop).await {
            match session.subscribe(REPLY_TO, Take::WithoutAck).await {
                Ok(subscription) => {
                    self.health.set_connected(true);
                    self.serve(session, subscription).await;
                    self.health.set_connected(false);
                }
                Err(error) => self.reconnect.failed(&error),
            }
            for (_, reply) in self.open.drain() {
                let _ = reply.send(Err(RpcError::Unavailable(LOST)));
            }
            if self.input.is_closed() {
                return;
            }
        }
    }

    /// Opens a session and meanwhile refuses calls instead of letting them wait.
    async fn connect(&mut self, stop: &CancellationToken) -> Option<Session> {
        let opening = self.reconnect.open(stop);
        tokio::pin!(opening);
        loop {
            tokio::select! {
                biased;
                session = &mut opening => return session,
                call = self.input.recv() => {
                    let _ = call?.reply.send(Err(RpcError::Unavailable(NOT_CONNECTED)));
                }
            }
        }
    }

    async fn serve(&mut self, mut session: Session, mut subscription: Subscription) {
        let mut tidy = tokio::time::interval(TIDY);
        tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                event = session.events.recv() => match event {
                    Some(ChannelEvent::Returned { message_id, .. }) => self.returned(message_id.as_deref()),
                    Some(ChannelEvent::Closed { .. } | ChannelEvent::ConsumerCancelled) | None => break,
                    Some(ChannelEvent::Confirmed { .. } | ChannelEvent::Refused { .. }) => {}
                },
                () = session.lost.cancelled() => break,
                answer = subscription.deliveries.recv() => match answer {
                    Some(answer) => self.answered(answer),
                    None => break,
                },
                call = self.input.recv() => match call {
                    Some(call) => if !self.publish(&session, call).await {
                        break;
                    },
                    None => break,
                },
                _ = tidy.tick(), if !self.open.is_empty() => {
                    self.open.retain(|_, reply| !reply.is_closed());
                }
            }
        }
        info!(calls.open = self.open.len(), "the session for calls ended");
        session.close().await;
    }

    /// Asks; false when the session is dead.
    async fn publish(&mut self, session: &Session, call: Call) -> bool {
        if self.open.len() >= MOST_CALLS {
            let _ = call.reply.send(Err(RpcError::Unavailable(BUSY)));
            return true;
        }
        self.next_id += 1;
        let id = self.next_id.to_string();
        let question = Outgoing {
            message: WireMessage {
                exchange: String::new(),
                routing_key: call.queue,
                message_id: id.clone(),
                event_type: String::new(),
                content_type: "application/json".to_owned(),
                correlation_id: Some(id),
                traceparent: call.traceparent,
                timestamp: 0,
                body: call.body,
            },
            properties: Properties {
                transient: true,
                expiration: Some(call.expiration),
                reply_to: Some(REPLY_TO.to_owned()),
                ..Properties::default()
            },
        };
        if question.check().is_err() {
            let _ = call.reply.send(Err(RpcError::Unavailable(NO_QUEUE)));
            return true;
        }
        self.open.insert(self.next_id, call.reply);
        let (properties, arguments) = (question.basic_properties(), question.arguments());
        session.channel.basic_publish(properties, question.message.body, arguments).await.is_ok()
    }

    fn returned(&mut self, message_id: Option<&str>) {
        self.settle(message_id, Err(RpcError::Unavailable(NO_QUEUE)));
    }

    fn answered(&mut self, answer: ConsumerMessage) {
        let correlation_id =
            answer.basic_properties.as_ref().and_then(|properties| properties.correlation_id());
        let correlation_id = correlation_id.cloned();
        self.settle(correlation_id.as_deref(), Ok(answer.content.unwrap_or_default()));
    }

    fn settle(&mut self, id: Option<&str>, outcome: Result<Vec<u8>, RpcError>) {
        let reply = id.and_then(|id| id.parse().ok()).and_then(|id: u64| self.open.remove(&id));
        match reply {
            Some(reply) => drop(reply.send(outcome)),
            None => debug!(message.id = id, "an answer came that nobody waits for"),
        }
    }
}

//! Answers questions. A question is acknowledged when its answer has been sent, so that one is asked again when this
//! service dies over it; the asker's time limit bounds how often that matters.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use amqprs::BasicProperties;
use amqprs::channel::{BasicAckArguments, BasicPublishArguments, ConsumerMessage};
use async_trait::async_trait;
use futures_util::FutureExt;
use protocol::topology::Topology;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, warn};

use crate::broker::{Broker, ChannelEvent, Reconnect, Session, Subscription, Take};
use crate::delivery::Delivery;
use crate::health::{BrokerHealth, HealthCell};
use crate::trace;

/// How long answers under way may take when stopping.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers one question.
#[async_trait]
pub trait RpcHandler: Send + Sync + 'static {
    /// The answer to `request`; failures are part of the answer. After a panic the asker hears nothing.
    async fn answer(&self, request: Vec<u8>) -> Vec<u8>;
}

/// Handle to a running server.
#[derive(Clone)]
pub struct RpcServer {
    health: Arc<HealthCell>,
}

impl RpcServer {
    /// Starts to answer what comes to `queue`, at most `concurrency` questions at once. Ends after `stop`, when the
    /// answers under way are sent.
    #[must_use]
    pub fn start(
        broker: &Broker,
        topology: Topology,
        queue: &str,
        concurrency: u16,
        handler: Arc<dyn RpcHandler>,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let health = Arc::new(HealthCell::default());
        let worker = Worker {
            reconnect: Reconnect::new(broker, format!("answers of {queue}"), topology, false),
            queue: queue.into(),
            concurrency: concurrency.max(1),
            handler,
            health: Arc::clone(&health),
            stop,
        };
        (Self { health }, tokio::spawn(worker.run()))
    }

    /// How it is doing.
    #[must_use]
    pub fn health(&self) -> BrokerHealth {
        self.health.get()
    }
}

struct Worker {
    reconnect: Reconnect,
    queue: Arc<str>,
    concurrency: u16,
    handler: Arc<dyn RpcHandler>,
    health: Arc<HealthCell>,
    stop: CancellationToken,
}

/// A question that has been dealt with.
struct Answered {
    tag: u64,
    /// Where to and what; `None` when there is nothing to say or nobody to say it to.
    answer: Option<(String, BasicProperties, Vec<u8>)>,
}

impl Worker {
    async fn run(mut self) {
        let stop = self.stop.clone();
        while let Some(session) = self.reconnect.open(&stop).await {
            match session.subscribe(&self.queue, Take::Prefetch(self.concurrency)).await {
                Ok(subscription) => {
                    self.health.set_connected(true);
                    self.serve(session, subscription).await;
                    self.health.set_connected(false);
                }
                Err(error) => self.reconnect.failed(&error),
            }
        }
    }

    /// The prefetch bounds how many questions are under way.
    async fn serve(&self, mut session: Session, mut subscription: Subscription) {
        let mut answering: JoinSet<Answered> = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    session.unsubscribe(&subscription.consumer_tag).await;
                    break;
                }
                event = session.events.recv() => match event {
                    Some(ChannelEvent::Closed { .. } | ChannelEvent::ConsumerCancelled) | None => break,
                    Some(_) => {}
                },
                () = session.lost.cancelled() => break,
                Some(answered) = answering.join_next() => {
                    if !send(&session, answered.ok()).await {
                        break;
                    }
                }
                question = subscription.deliveries.recv() => match question {
                    Some(question) => self.begin(&mut answering, question),
                    None => break,
                },
            }
        }
        let finish = async {
            while let Some(answered) = answering.join_next().await {
                if !send(&session, answered.ok()).await {
                    break;
                }
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, finish).await.is_err() {
            warn!(queue = &*self.queue, "answers under way did not finish in time");
        }
        info!(queue = &*self.queue, "the session for answers ended");
        session.close().await;
    }

    fn begin(&self, answering: &mut JoinSet<Answered>, question: ConsumerMessage) {
        let Some(mut question) = Delivery::read(&self.queue, question) else { return };
        let span = trace::request_span(&self.queue, question.traceparent.as_deref());
        let (handler, queue) = (Arc::clone(&self.handler), Arc::clone(&self.queue));
        let work = async move {
            let request = std::mem::take(&mut question.body);
            let answer = match AssertUnwindSafe(handler.answer(request)).catch_unwind().await {
                Ok(answer) => reply(&question, answer),
                Err(_) => {
                    metrics::counter!(crate::metrics::HANDLER_PANICS, "queue" => queue.to_string())
                        .increment(1);
                    warn!(queue = &*queue, "answering a question panicked; its asker hears nothing");
                    None
                }
            };
            Answered { tag: question.tag, answer }
        };
        answering.spawn(work.instrument(span));
    }
}

fn reply(question: &Delivery, answer: Vec<u8>) -> Option<(String, BasicProperties, Vec<u8>)> {
    let reply_to = question.reply_to.clone()?;
    let mut properties = BasicProperties::default();
    properties.with_content_type("application/json");
    if let Some(correlation_id) = &question.correlation_id {
        properties.with_correlation_id(correlation_id);
    }
    Some((reply_to, properties, answer))
}

/// Sends the answer, then acknowledges the question; false when the session is dead.
async fn send(session: &Session, answered: Option<Answered>) -> bool {
    let Some(Answered { tag, answer }) = answered else { return false };
    if let Some((reply_to, properties, body)) = answer {
        // Not mandatory: the asker may have given up, and then nobody has to know.
        let arguments = BasicPublishArguments::new("", &reply_to);
        if session.channel.basic_publish(properties, body, arguments).await.is_err() {
            return false;
        }
    }
    session.channel.basic_ack(BasicAckArguments::new(tag, false)).await.is_ok()
}

//! Worker, QA and agent that answer at once, in batches: they must not be what limits the services. They speak the
//! public contract like any other, with confirmed publishes.

mod agent;
mod ledger;
mod outputs;

pub use ledger::Ledger;
pub use outputs::{output, validated};

use std::sync::Arc;

use async_trait::async_trait;
use messaging::{
    BatchHandler, Broker, BrokerSettings, Consumer, ConsumerSettings, HandlerError, Outcome, Publisher,
    PublisherSettings, Received, RpcClient,
};
use protocol::events::{EventData, Exchange, TaskReady, TaskStarted};
use protocol::topology::{self, BindingSpec, QA_QUEUE, QueueSpec, Topology, worker_queue};
use protocol::vocabulary::Tier;
use protocol::{Event, WireMessage};
use serde_json::json;
use test_support::wait_until;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::stage::{PATIENCE, Stage};
use agent::InstantAgent;

/// Who is behind the services. Dropping it sends everybody home.
pub struct Cast {
    broker: Broker,
    publisher: Publisher,
    stop: CancellationToken,
    _end: DropGuard,
}

/// What a worker does with the work that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diligence {
    /// Hands in an output at once.
    Finishes,
    /// Says that it began, and no more.
    Begins,
    /// Nothing.
    OnlyTakes,
}

/// Gives at most one message in answer to each event.
struct Answering<F> {
    publisher: Publisher,
    answer: F,
}

#[async_trait]
impl<F> BatchHandler for Answering<F>
where
    F: Fn(&Event) -> Option<WireMessage> + Send + Sync + 'static,
{
    async fn handle(&self, batch: Vec<Received>) -> Result<Vec<Outcome>, HandlerError> {
        let outcomes = vec![Outcome::Done; batch.len()];
        let answers: Vec<_> = batch.iter().filter_map(|received| (self.answer)(&received.event)).collect();
        for outcome in self.publisher.publish_all(answers).await {
            outcome.map_err(|error| HandlerError::Failed(error.to_string()))?;
        }
        Ok(outcomes)
    }
}

impl Cast {
    /// Connects to a stage's broker; nobody does anything yet.
    #[must_use]
    pub fn at(stage: &Stage) -> Self {
        let settings = BrokerSettings::from_url(&stage.broker_url());
        let broker = Broker::new(&settings, "bench").expect("a broker's address");
        let stop = CancellationToken::new();
        let topology = topology::exchanges();
        let (publisher, _) = Publisher::start(&broker, topology, &PublisherSettings::default(), stop.clone());
        Self { broker, publisher, _end: stop.clone().drop_guard(), stop }
    }

    /// A worker for all tiers; `seen` hears of everything it is given.
    pub fn worker(&self, diligence: Diligence, seen: impl Fn(&TaskReady) + Clone + Send + Sync + 'static) {
        for tier in &Tier::STANDARD {
            let seen = seen.clone();
            let topology = topology::worker_queues([tier]);
            self.consume(topology, side_by_side(&worker_queue(tier)), move |event| {
                let EventData::TaskReady(ready) = &event.data else { return None };
                seen(ready);
                match diligence {
                    Diligence::Finishes => Some(output(event, ready)),
                    Diligence::Begins => Some(began(event, ready)),
                    Diligence::OnlyTakes => None,
                }
            });
        }
    }

    /// QA that accepts everything.
    pub fn qa(&self) {
        self.consume(topology::qa_queue(), side_by_side(QA_QUEUE), |event| match &event.data {
            EventData::TaskOutputCreated(created) => Some(validated(event, created)),
            _ => None,
        });
    }

    /// An agent that succeeds at everything.
    pub fn agent(&self) {
        let queue = topology::WORK_QUEUE;
        let handler = Arc::new(InstantAgent::new(self.publisher.clone()));
        let _ = Consumer::start_raw(
            &self.broker,
            topology::agents(queue),
            self.publisher.clone(),
            side_by_side(queue),
            handler,
            self.stop.clone(),
        );
    }

    /// Listens to the task events with these keys, on a queue of its own, from when it returns.
    pub async fn listen(&self, stage: &Stage, keys: &[&str], heard: impl Fn(&Event) + Send + Sync + 'static) {
        self.listen_to(stage, Exchange::Task, keys, heard).await;
    }

    /// The same for the events of any exchange.
    pub async fn listen_to(
        &self,
        stage: &Stage,
        exchange: Exchange,
        keys: &[&str],
        heard: impl Fn(&Event) + Send + Sync + 'static,
    ) {
        let queue = format!("bench.{}", uuid::Uuid::new_v4().simple());
        let binding = |key: &&str| BindingSpec {
            queue: queue.clone(),
            exchange: exchange.name(),
            routing_key: (*key).to_owned(),
        };
        let own = Topology {
            exchanges: Vec::new(),
            // What is only counted need not survive a restart of the broker, and must not hold up others' confirms.
            queues: vec![QueueSpec { name: queue.clone(), durable: false, arguments: Vec::new() }],
            bindings: keys.iter().map(binding).collect(),
        };
        self.consume(topology::exchanges().and(own), ConsumerSettings::new(&queue), move |event| {
            heard(event);
            None
        });
        let outsider = stage.stack.outsider();
        wait_until("the listener listens", PATIENCE, || async {
            outsider.0.consumer_count(&queue).await == Some(1)
        })
        .await;
    }

    /// Asks questions over the broker, as the gateway does.
    #[must_use]
    pub fn asker(&self) -> RpcClient {
        RpcClient::start(&self.broker, Topology::default(), self.stop.clone()).0
    }

    /// Publishes messages, all confirmed when it returns.
    pub async fn publish(&self, messages: Vec<WireMessage>) {
        for outcome in self.publisher.publish_all(messages).await {
            outcome.expect("the broker takes the message");
        }
    }

    fn consume(
        &self,
        topology: Topology,
        settings: ConsumerSettings,
        answer: impl Fn(&Event) -> Option<WireMessage> + Send + Sync + 'static,
    ) {
        let handler = Arc::new(Answering { publisher: self.publisher.clone(), answer });
        // The task ends with the cast.
        let _ = Consumer::start(
            &self.broker,
            topology,
            self.publisher.clone(),
            settings,
            handler,
            self.stop.clone(),
        );
    }
}

/// A batch waits for its confirms, and the next one not for that: what a stand-in does must not add to what is measured.
fn side_by_side(queue: &str) -> ConsumerSettings {
    ConsumerSettings { batches_in_flight: 16, ..ConsumerSettings::new(queue) }
}

fn began(cause: &Event, ready: &TaskReady) -> WireMessage {
    let started = json!({
        "task_id": ready.task_id, "attempt": ready.attempt, "worker_id": outputs::WORKER,
    });
    let started: TaskStarted = serde_json::from_value(started).expect("a start");
    outputs::following(cause, started)
}

//! The stand-in QA: takes every output from `qa.task-output`, judges it by rule, tells the verdict on `qa.events`.

mod rules;

pub use rules::{Judgement, judge};

use std::sync::Arc;
use std::time::Duration;

use protocol::Event;
use protocol::events::{EventData, Exchange, TaskOutputCreated, TaskRejected, TaskValidated};
use protocol::topology::{QA_QUEUE, Topology};

use crate::broker::{
    BrokerAddress, ConnectionLost, Delivery, Handler, InvalidAddress, Outlet, Station, StationSettings,
    Subscription, Verdict,
};

const SOURCE: &str = "/stand-ins/qa";

/// How QA works.
#[derive(Debug, Clone)]
pub struct QaSettings {
    /// `amqp://` URL of the broker.
    pub rabbitmq_url: String,
    /// How long a judgement takes.
    pub duration: Duration,
    /// Judgements at once.
    pub concurrency: u16,
}

impl QaSettings {
    /// A QA that judges within 50 ms.
    #[must_use]
    pub fn new(rabbitmq_url: impl Into<String>) -> Self {
        Self { rabbitmq_url: rabbitmq_url.into(), duration: Duration::from_millis(50), concurrency: 32 }
    }
}

/// A running QA.
#[derive(Debug)]
pub struct Qa {
    station: Station,
}

impl Qa {
    /// Starts to judge in the background.
    ///
    /// # Errors
    /// When the broker's URL cannot be read.
    pub fn start(settings: QaSettings) -> Result<Self, InvalidAddress> {
        let station = StationSettings {
            address: BrokerAddress::parse(&settings.rabbitmq_url)?,
            name: "stand-in-qa".to_owned(),
            topology: Topology::default(),
            subscriptions: vec![Subscription::Queue(QA_QUEUE.to_owned())],
            prefetch: settings.concurrency,
        };
        let handler = Bench { duration: settings.duration };
        Ok(Self { station: Station::start(station, Arc::new(handler)) })
    }

    /// Finishes what is nearly done and leaves the rest to others.
    pub async fn stop(self) {
        self.station.stop().await;
    }
}

struct Bench {
    duration: Duration,
}

#[async_trait::async_trait]
impl Handler for Bench {
    async fn handle(&self, delivery: Delivery, outlet: &Outlet) -> Verdict {
        let event = match Event::decode(delivery.as_incoming(), chrono::Utc::now().into()) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "message not understood");
                return Verdict::Refused;
            }
        };
        let EventData::TaskOutputCreated(created) = &event.data else { return Verdict::Refused };
        tokio::time::sleep(self.duration).await;
        match announce(&event, created, delivery.traceparent.clone(), outlet).await {
            Ok(()) => Verdict::Done,
            Err(ConnectionLost) => Verdict::Again,
        }
    }
}

async fn announce(
    cause: &Event,
    created: &TaskOutputCreated,
    traceparent: Option<String>,
    outlet: &Outlet,
) -> Result<(), ConnectionLost> {
    let (task_id, attempt) = (created.task_id, created.attempt);
    let artifact_id = Some(created.artifact_id.clone());
    let verdict: EventData = match judge(created) {
        Judgement::Accepted { score } => {
            TaskValidated { task_id, artifact_id, score: Some(score), attempt }.into()
        }
        Judgement::Rejected { reason, issues, retryable } => {
            let issues = issues.into_iter().map(Into::into).collect();
            let (reason, retryable) = (Some(reason), Some(retryable));
            TaskRejected { task_id, artifact_id, issues, reason, retryable, attempt }.into()
        }
    };
    let event = Event::following(cause, "", SOURCE, chrono::Utc::now(), verdict);
    match event.to_wire(traceparent) {
        Ok(mut message) => {
            Exchange::Qa.name().clone_into(&mut message.exchange);
            outlet.publish(message).await
        }
        Err(error) => {
            tracing::error!(%error, "a verdict cannot be written as JSON");
            Ok(())
        }
    }
}

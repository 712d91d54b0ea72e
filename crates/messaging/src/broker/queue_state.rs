//! A look at queues, for health checks and operators: how much waits in them, and whether anybody takes it.

use amqprs::channel::QueueDeclareArguments;
use protocol::topology::{QueueSpec, Topology};

use super::session::{Session, uncancelled};
use super::{Broker, BrokerError};
use crate::topology;

/// What a look at a queue shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// Messages that wait for a consumer.
    pub messages: u32,
    /// Consumers.
    pub consumers: u32,
}

impl Broker {
    /// Looks at a queue over a connection of its own, which makes it no cheaper than it sounds: for an occasional
    /// check, not for a loop. The queue is declared with the given arguments, so it exists afterwards. May be dropped
    /// at any time.
    ///
    /// # Errors
    /// When the broker cannot be reached, or has the queue with other arguments.
    pub async fn queue_state(&self, queue: QueueSpec) -> Result<QueueState, BrokerError> {
        let broker = self.clone();
        let look = async move {
            let session = broker.open("look at a queue", &Topology::default(), false).await?;
            let channel = session.channel.clone();
            let declared = async move { topology::declare_queue(&channel, &queue).await };
            let state = uncancelled("looking at a queue", declared).await;
            session.close().await;
            let (messages, consumers) = state?.map_err(BrokerError::Declare)?;
            Ok(QueueState { messages, consumers })
        };
        // In a task of its own, so that the connection is closed in order whatever the caller does.
        tokio::spawn(look).await.unwrap_or(Err(BrokerError::Interrupted("looking at a queue")))
    }

    /// Looks at queues by their names, in this order, without declaring any: `None` for one that does not exist.
    /// As costly as [`Broker::queue_state`], once for all of them. May be dropped at any time.
    ///
    /// # Errors
    /// When the broker cannot be reached.
    pub async fn look_at(&self, queues: Vec<String>) -> Result<Vec<Option<QueueState>>, BrokerError> {
        let broker = self.clone();
        let look = async move {
            let mut states = Vec::with_capacity(queues.len());
            let mut session = broker.open("look at queues", &Topology::default(), false).await?;
            for queue in queues {
                let state = session.look_at(&queue).await?;
                if state.is_none() {
                    // The broker closes a channel over a queue that does not exist.
                    session.close().await;
                    session = broker.open("look at queues", &Topology::default(), false).await?;
                }
                states.push(state);
            }
            session.close().await;
            Ok(states)
        };
        tokio::spawn(look).await.unwrap_or(Err(BrokerError::Interrupted("looking at queues")))
    }
}

impl Session {
    async fn look_at(&self, queue: &str) -> Result<Option<QueueState>, BrokerError> {
        let channel = self.channel.clone();
        let mut arguments = QueueDeclareArguments::new(queue);
        arguments.passive(true);
        let looking = async move { channel.queue_declare(arguments).await };
        let found = uncancelled("looking at a queue", looking).await?;
        if found.is_err() && self.lost.is_cancelled() {
            return Err(BrokerError::Interrupted("looking at a queue"));
        }
        let state = |(_, messages, consumers)| QueueState { messages, consumers };
        Ok(found.ok().flatten().map(state))
    }
}

#[cfg(test)]
mod tests {
    use protocol::topology::service_queue;
    use test_support::{Message, PATIENCE, TestBroker, wait_until};

    use super::*;
    use crate::BrokerSettings;

    #[tokio::test]
    async fn a_look_shows_what_waits() {
        let server = TestBroker::create("look").await;
        let broker = Broker::new(&BrokerSettings::from_url(server.url()), "test").unwrap();
        let queue = || {
            let topology = service_queue("looked-at", &[]);
            topology.queues.into_iter().find(|queue| queue.name == "looked-at").unwrap()
        };
        let empty = QueueState { messages: 0, consumers: 0 };
        assert_eq!(broker.queue_state(queue()).await.unwrap(), empty);
        server.publish(Message::new("", "looked-at", b"x".to_vec())).await;
        let waiting = QueueState { messages: 1, consumers: 0 };
        wait_until("the message is counted", PATIENCE, || async {
            broker.queue_state(queue()).await.unwrap() == waiting
        })
        .await;
        let names = ["looked-at", "not-there", "looked-at"].map(str::to_owned);
        let states = broker.look_at(names.to_vec()).await.unwrap();
        assert_eq!(states, [Some(waiting), None, Some(waiting)]);
    }
}

//! One connection with one channel, opened, set up and closed as a whole. When anything about it fails, all of it
//! is dropped: amqprs leaks the ids of closed channels and turns a connection into a zombie after enough of them.

use std::future::Future;
use std::time::Duration;

use amqprs::channel::{
    BasicCancelArguments, BasicConsumeArguments, BasicQosArguments, Channel, ConfirmSelectArguments,
    ConsumerMessage,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use protocol::topology::Topology;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::BrokerError;
use super::callbacks::{ChannelEvent, ChannelEvents, ConnectionEvents};
use crate::topology;

/// Longest wait for a connection, a declaration, a goodbye.
pub(crate) const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// A live connection with its one channel.
pub(crate) struct Session {
    /// The channel. Its futures must never be cancelled; see [`uncancelled`].
    pub(crate) channel: Channel,
    /// What the broker says on the channel; its end is the channel's end.
    pub(crate) events: mpsc::UnboundedReceiver<ChannelEvent>,
    /// Cancelled when the connection is gone.
    pub(crate) lost: CancellationToken,
    connection: Connection,
}

/// A running consumer of a session.
pub(crate) struct Subscription {
    /// Name of the consumer on its channel.
    pub(crate) consumer_tag: String,
    /// What arrives; its end is the session's end.
    pub(crate) deliveries: mpsc::UnboundedReceiver<ConsumerMessage>,
}

/// How a subscription takes messages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Take {
    /// At most so many unacknowledged.
    Prefetch(u16),
    /// Acknowledged by the broker as it sends them.
    WithoutAck,
}

impl Session {
    /// Connects, opens the channel and declares the topology on it.
    pub(super) async fn open(
        name: String,
        arguments: OpenConnectionArguments,
        topology: Topology,
        confirms: bool,
    ) -> Result<Self, BrokerError> {
        let connection = connect(arguments).await?;
        let setup = uncancelled("setting up a channel", set_up(name, connection, confirms));
        let mut session = setup.await??;
        let channel = session.channel.clone();
        let declared =
            uncancelled(
                "declaring the topology",
                async move { topology::declare(&channel, &topology).await },
            );
        match declared.await? {
            Ok(()) => Ok(session),
            Err(failed) => Err(session.why_refused(failed)),
        }
    }

    /// Starts a consumer.
    pub(crate) async fn subscribe(&self, queue: &str, take: Take) -> Result<Subscription, BrokerError> {
        let channel = self.channel.clone();
        let mut arguments = BasicConsumeArguments::new(queue, "");
        arguments.manual_ack(matches!(take, Take::Prefetch(_)));
        let subscribing = async move {
            if let Take::Prefetch(count) = take {
                channel.basic_qos(BasicQosArguments::new(0, count, false)).await?;
            }
            channel.basic_consume_rx(arguments).await
        };
        let (consumer_tag, deliveries) = uncancelled("subscribing", subscribing).await??;
        Ok(Subscription { consumer_tag, deliveries })
    }

    /// Stops a consumer; what it has been sent already stays unacknowledged.
    pub(crate) async fn unsubscribe(&self, consumer_tag: &str) {
        let channel = self.channel.clone();
        let arguments = BasicCancelArguments::new(consumer_tag);
        // A failure means that the session is gone, and the consumer with it.
        let _ = uncancelled("unsubscribing", async move { channel.basic_cancel(arguments).await }).await;
    }

    /// Says goodbye, so that everything written before has been taken. Bounded; a dead session just ends.
    pub(crate) async fn close(self) {
        if self.lost.is_cancelled() {
            return;
        }
        let Self { channel, connection, events, .. } = self;
        let goodbye = tokio::spawn(async move {
            let _ = channel.close().await;
            let _ = connection.close().await;
            drop(events);
        });
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, goodbye).await;
    }

    /// The broker's own words, which arrive as an event, when it closed the channel over a declaration.
    fn why_refused(&mut self, failed: topology::DeclareError) -> BrokerError {
        while let Ok(event) = self.events.try_recv() {
            if let ChannelEvent::Closed { code, reason } = event {
                return BrokerError::TopologyRefused { what: failed.what, code, reason };
            }
        }
        BrokerError::Declare(failed)
    }
}

/// Until the last moment amqprs only reads and writes a socket here, so that an attempt which takes too long can be
/// dropped with its socket; otherwise a broker that accepts and never answers would collect one socket per attempt.
async fn connect(arguments: OpenConnectionArguments) -> Result<Connection, BrokerError> {
    let attempt = tokio::spawn(async move { Connection::open(&arguments).await });
    let abandon = attempt.abort_handle();
    match tokio::time::timeout(STEP_TIMEOUT, attempt).await {
        Ok(Ok(opened)) => opened.map_err(BrokerError::from_handshake),
        Ok(Err(_)) => Err(BrokerError::Interrupted("connecting")),
        Err(_) => {
            abandon.abort();
            Err(BrokerError::TimedOut("connecting"))
        }
    }
}

async fn set_up(
    name: String,
    connection: Connection,
    confirms: bool,
) -> Result<Session, amqprs::error::Error> {
    let lost = CancellationToken::new();
    connection.register_callback(ConnectionEvents { name, _lost: lost.clone().drop_guard() }).await?;
    let channel = connection.open_channel(None).await?;
    let (sender, events) = mpsc::unbounded_channel();
    channel.register_callback(ChannelEvents(sender)).await?;
    if confirms {
        channel.confirm_select(ConfirmSelectArguments::default()).await?;
    }
    Ok(Session { channel, events, lost, connection })
}

/// Runs amqprs calls in a task of their own and waits for them with a limit. A future of amqprs that is dropped
/// half way makes its tasks panic and leaves a connection that takes everything and delivers nothing, so what
/// takes too long is left to itself; the caller drops the session, and heartbeats end the rest.
pub(crate) async fn uncancelled<T: Send + 'static>(
    step: &'static str,
    calls: impl Future<Output = T> + Send + 'static,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(STEP_TIMEOUT, tokio::spawn(calls)).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(BrokerError::Interrupted(step)),
        Err(_) => Err(BrokerError::TimedOut(step)),
    }
}

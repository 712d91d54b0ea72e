//! What the broker says of its own accord, turned into a stream of events per channel and a token per connection.
//! amqprs owns these callbacks in the tasks that read the socket: when such a task ends for any reason the
//! callback is dropped, so the end of the stream and the cancelled token are the reliable signs of death.

use amqprs::callbacks::{ChannelCallback, ConnectionCallback};
use amqprs::channel::Channel;
use amqprs::connection::Connection;
use amqprs::{Ack, BasicProperties, Cancel, Close, CloseChannel, Nack, Return};
use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::DropGuard;
use tracing::warn;

type AmqpResult<T> = Result<T, amqprs::error::Error>;

/// One thing the broker said on a channel.
#[derive(Debug)]
pub(crate) enum ChannelEvent {
    /// Published messages up to or of this tag are safe.
    Confirmed { tag: u64, multiple: bool },
    /// Published messages up to or of this tag were not taken.
    Refused { tag: u64, multiple: bool },
    /// A mandatory message found no queue; its confirm follows.
    Returned { message_id: Option<String>, exchange: String, routing_key: String, reason: String },
    /// The channel is closed.
    Closed { code: u16, reason: String },
    /// The consumer is gone: its queue was deleted or moved.
    ConsumerCancelled,
}

pub(super) struct ChannelEvents(pub(super) UnboundedSender<ChannelEvent>);

impl ChannelEvents {
    /// Nobody listening means the session is being dropped already.
    fn tell(&self, event: ChannelEvent) {
        let _ = self.0.send(event);
    }
}

#[async_trait]
impl ChannelCallback for ChannelEvents {
    async fn close(&mut self, _: &Channel, close: CloseChannel) -> AmqpResult<()> {
        self.tell(ChannelEvent::Closed { code: close.reply_code(), reason: close.reply_text().clone() });
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> AmqpResult<()> {
        self.tell(ChannelEvent::ConsumerCancelled);
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> AmqpResult<bool> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        self.tell(ChannelEvent::Confirmed { tag: ack.delivery_tag(), multiple: ack.mutiple() });
    }

    async fn publish_nack(&mut self, _: &Channel, nack: Nack) {
        self.tell(ChannelEvent::Refused { tag: nack.delivery_tag(), multiple: nack.multiple() });
    }

    async fn publish_return(
        &mut self,
        _: &Channel,
        returned: Return,
        properties: BasicProperties,
        _: Vec<u8>,
    ) {
        self.tell(ChannelEvent::Returned {
            message_id: properties.message_id().cloned(),
            exchange: returned.exchange().clone(),
            routing_key: returned.routing_key().clone(),
            reason: returned.reply_text().clone(),
        });
    }
}

pub(super) struct ConnectionEvents {
    pub(super) name: String,
    /// Cancels the session's token when amqprs drops this callback.
    pub(super) _lost: DropGuard,
}

#[async_trait]
impl ConnectionCallback for ConnectionEvents {
    async fn close(&mut self, _: &Connection, close: Close) -> AmqpResult<()> {
        let (code, reason) = (close.reply_code(), close.reply_text());
        warn!(amqp.connection = self.name, amqp.code = code, "the broker closed a connection: {reason}");
        Ok(())
    }

    // amqprs does not announce that it understands blocked notices, so these two never come: a publisher finds
    // out from confirms that stay away.
    async fn blocked(&mut self, _: &Connection, _: String) {}

    async fn unblocked(&mut self, _: &Connection) {}

    async fn secret_updated(&mut self, _: &Connection) {}
}

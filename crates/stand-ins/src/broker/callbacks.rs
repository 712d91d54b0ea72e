//! amqprs' callbacks turned into streams. The streams end when amqprs drops the callback, which is the only sign
//! of a dead channel or connection that comes for every way of dying.

use amqprs::callbacks::{ChannelCallback, ConnectionCallback};
use amqprs::channel::Channel;
use amqprs::connection::Connection;
use amqprs::consumer::AsyncConsumer;
use amqprs::error::Error;
use amqprs::{Ack, BasicProperties, Cancel, Close, CloseChannel, Deliver, Nack, Return};
use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::DropGuard;

/// What happens on a channel beside deliveries.
pub(super) enum ChannelEvent {
    /// The broker took responsibility for a publish.
    Confirmed { tag: u64, multiple: bool },
    /// The broker refused a publish.
    Refused { tag: u64, multiple: bool },
    /// The broker ended the channel or a consumer on it.
    Ended(String),
}

/// Forwards a channel's events.
pub(super) struct ChannelEvents(pub(super) UnboundedSender<ChannelEvent>);

impl ChannelEvents {
    /// A receiver that is gone has given the session up already.
    fn tell(&self, event: ChannelEvent) {
        let _ = self.0.send(event);
    }
}

#[async_trait]
impl ChannelCallback for ChannelEvents {
    async fn close(&mut self, _: &Channel, close: CloseChannel) -> Result<(), Error> {
        self.tell(ChannelEvent::Ended(close.reply_text().clone()));
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, cancel: Cancel) -> Result<(), Error> {
        self.tell(ChannelEvent::Ended(format!("consumer {} cancelled by the broker", cancel.consumer_tag())));
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> Result<bool, Error> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        self.tell(ChannelEvent::Confirmed { tag: ack.delivery_tag(), multiple: ack.mutiple() });
    }

    async fn publish_nack(&mut self, _: &Channel, nack: Nack) {
        self.tell(ChannelEvent::Refused { tag: nack.delivery_tag(), multiple: nack.multiple() });
    }

    /// Never comes: the event exchanges have an alternate exchange, and nothing is published as mandatory.
    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {}
}

/// Cancels its token when the connection's reader ends.
pub(super) struct ConnectionEnd(#[expect(dead_code, reason = "held for its drop")] pub(super) DropGuard);

#[async_trait]
impl ConnectionCallback for ConnectionEnd {
    async fn close(&mut self, _: &Connection, close: Close) -> Result<(), Error> {
        tracing::warn!(reason = %close.reply_text(), "the broker closes the connection");
        Ok(())
    }

    async fn blocked(&mut self, _: &Connection, _: String) {}
    async fn unblocked(&mut self, _: &Connection) {}
    async fn secret_updated(&mut self, _: &Connection) {}
}

/// A delivery as amqprs gives it.
pub(super) struct RawDelivery {
    pub(super) deliver: Deliver,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

/// Sends the deliveries of several consumers down one stream.
pub(super) struct Deliveries(pub(super) UnboundedSender<RawDelivery>);

#[async_trait]
impl AsyncConsumer for Deliveries {
    async fn consume(&mut self, _: &Channel, deliver: Deliver, properties: BasicProperties, body: Vec<u8>) {
        // Prefetch bounds what can be waiting here.
        let _ = self.0.send(RawDelivery { deliver, properties, body });
    }
}

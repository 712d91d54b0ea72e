//! One AMQP connection with one confirming channel. It is used by one operation at a time; after any
//! error it is thrown away whole, since a channel that the broker closed must not be touched again.

use amqprs::callbacks::ChannelCallback;
use amqprs::channel::{BasicPublishArguments, Channel, ConfirmSelectArguments};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::error::Error;
use amqprs::{Ack, BasicProperties, Cancel, CloseChannel, Nack, Return};
use anyhow::Context;
use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Message;

/// The name under which our own connections are listed.
pub(super) const CONNECTION_NAME: &str = "test-support";

/// A connection and a channel.
pub(super) struct Session {
    pub(super) channel: Channel,
    confirms: UnboundedReceiver<bool>,
    /// Kept only because dropping it closes the connection.
    _connection: Connection,
}

impl Session {
    /// Connects to an `amqp://user:password@host:port/vhost` URL.
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        let connection = Connection::open(&arguments(url)?).await?;
        let channel = connection.open_channel(None).await?;
        let (sender, confirms) = unbounded_channel();
        channel.register_callback(Confirms(sender)).await?;
        channel.confirm_select(ConfirmSelectArguments::default()).await?;
        Ok(Self { channel, confirms, _connection: connection })
    }

    /// Publishes and waits for the confirm.
    pub(super) async fn publish(&mut self, message: &Message) -> Result<(), Error> {
        let arguments = BasicPublishArguments::new(&message.exchange, &message.routing_key);
        self.channel.basic_publish(message.properties(), message.body.clone(), arguments).await?;
        match self.confirms.recv().await {
            Some(true) => Ok(()),
            Some(false) => Err(Error::ChannelUseError("the broker refused the message".to_owned())),
            None => Err(Error::ChannelUseError("the channel was closed".to_owned())),
        }
    }
}

fn arguments(url: &str) -> anyhow::Result<OpenConnectionArguments> {
    let url = reqwest::Url::parse(url).context("the broker's URL")?;
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let host = url.host_str().context("the broker's URL has no host")?;
    let (user, password) = (decode(url.username()), decode(url.password().unwrap_or_default()));
    Ok(OpenConnectionArguments::new(host, url.port().unwrap_or(5672), &user, &password)
        .virtual_host(&decode(url.path().trim_start_matches('/')))
        .connection_name(CONNECTION_NAME)
        .finish())
}

/// Passes on whether the broker took each message. It is dropped with the channel, which ends the wait
/// for confirms that will not come.
struct Confirms(UnboundedSender<bool>);

#[async_trait]
impl ChannelCallback for Confirms {
    async fn close(&mut self, _: &Channel, _: CloseChannel) -> Result<(), Error> {
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Result<(), Error> {
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> Result<bool, Error> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _: &Channel, _: Ack) {
        let _ = self.0.send(true);
    }

    async fn publish_nack(&mut self, _: &Channel, _: Nack) {
        let _ = self.0.send(false);
    }

    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {}
}

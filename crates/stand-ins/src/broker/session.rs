//! One connection's life: open, consume, publish, settle, until it is lost or told to stop. One task owns the
//! channel; handlers talk to it through [`Outlet`].

use std::sync::Arc;
use std::time::Duration;

use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicNackArguments, BasicPublishArguments, BasicQosArguments,
    Channel, ConfirmSelectArguments, QueueBindArguments, QueueDeclareArguments,
};
use amqprs::connection::Connection;
use amqprs::{BasicProperties, FieldTable, FieldValue};
use protocol::{Incoming, WireMessage};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::callbacks::{ChannelEvent, ChannelEvents, ConnectionEnd, Deliveries, RawDelivery};
use super::declare::declare;
use super::station::{Handler, StationSettings};
use super::unconfirmed::Unconfirmed;

/// How long handlers may go on once the station is stopped; what is unfinished then returns to its queue.
const DRAIN: Duration = Duration::from_secs(2);

/// What a station listens to.
#[derive(Debug, Clone)]
pub enum Subscription {
    /// An existing queue, shared with competing consumers. Never declared by us.
    Queue(String),
    /// A queue of the station's own, which lives as long as its connection.
    Own {
        /// The exchange it is bound to.
        exchange: &'static str,
        /// With which key.
        routing_key: &'static str,
    },
}

/// A message for the handler.
#[derive(Debug)]
pub struct Delivery {
    /// The key it was published with.
    pub routing_key: String,
    /// AMQP `message_id`.
    pub message_id: Option<String>,
    /// AMQP `type`.
    pub event_type: Option<String>,
    /// Header `traceparent`.
    pub traceparent: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Delivery {
    /// As the protocol's reader takes it.
    #[must_use]
    pub fn as_incoming(&self) -> Incoming<'_> {
        Incoming {
            routing_key: &self.routing_key,
            message_id: self.message_id.as_deref(),
            event_type: self.event_type.as_deref(),
            traceparent: self.traceparent.as_deref(),
            body: &self.body,
        }
    }
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Dealt with.
    Done,
    /// Back into the queue.
    Again,
    /// To the queue's dead letters.
    Refused,
}

/// The connection went before the broker confirmed, or the broker refused the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLost;

enum Command {
    Publish { message: WireMessage, persistent: bool, waiter: oneshot::Sender<bool> },
    Settle(u64, Verdict),
}

/// Where a handler publishes.
#[derive(Debug, Clone)]
pub struct Outlet {
    commands: UnboundedSender<Command>,
}

impl Outlet {
    /// Publishes persistently and returns when the broker has confirmed.
    ///
    /// # Errors
    /// When it did not; the delivery comes again then, and with it the chance to publish again.
    pub async fn publish(&self, message: WireMessage) -> Result<(), ConnectionLost> {
        self.publish_as(message, true).await
    }

    /// As [`Outlet::publish`], with a choice whether the message survives a restart of the broker.
    ///
    /// # Errors
    /// As [`Outlet::publish`].
    pub async fn publish_as(&self, message: WireMessage, persistent: bool) -> Result<(), ConnectionLost> {
        let (waiter, confirmed) = oneshot::channel();
        let publish = Command::Publish { message, persistent, waiter };
        self.commands.send(publish).map_err(|_| ConnectionLost)?;
        if confirmed.await == Ok(true) { Ok(()) } else { Err(ConnectionLost) }
    }
}

/// An open connection with its streams.
pub(super) struct Session {
    connection: Connection,
    channel: Channel,
    lost: CancellationToken,
    events: UnboundedReceiver<ChannelEvent>,
    deliveries: UnboundedReceiver<RawDelivery>,
    outlet: Outlet,
    commands: UnboundedReceiver<Command>,
    unconfirmed: Unconfirmed,
    /// Whether anything is subscribed to: without, the end of deliveries says nothing.
    listens: bool,
}

impl Session {
    /// Connects and subscribes. To be run to its end in a task of its own: an amqprs call that is dropped half-way
    /// leaves its connection unusable without saying so.
    pub(super) async fn open(settings: &StationSettings) -> Result<Self, amqprs::error::Error> {
        let connection = Connection::open(&settings.address.open_arguments(&settings.name)).await?;
        let lost = CancellationToken::new();
        connection.register_callback(ConnectionEnd(lost.clone().drop_guard())).await?;
        let channel = connection.open_channel(None).await?;
        let (event_sender, events) = unbounded_channel();
        channel.register_callback(ChannelEvents(event_sender)).await?;
        channel.confirm_select(ConfirmSelectArguments::default()).await?;
        declare(&channel, &settings.topology).await?;
        channel.basic_qos(BasicQosArguments::new(0, settings.prefetch, false)).await?;
        let (delivery_sender, deliveries) = unbounded_channel();
        for subscription in &settings.subscriptions {
            let queue = queue_of(&channel, subscription).await?;
            let arguments = BasicConsumeArguments::new(&queue, "").manual_ack(true).finish();
            channel.basic_consume(Deliveries(delivery_sender.clone()), arguments).await?;
        }
        let (command_sender, commands) = unbounded_channel();
        let outlet = Outlet { commands: command_sender };
        let unconfirmed = Unconfirmed::default();
        let listens = !settings.subscriptions.is_empty();
        Ok(Self { connection, channel, lost, events, deliveries, outlet, commands, unconfirmed, listens })
    }

    /// Serves until the connection is lost or `stop` asks to end; in the latter case handlers get a moment to
    /// finish first.
    pub(super) async fn serve(mut self, handler: Arc<dyn Handler>, stop: &CancellationToken) {
        let mut handlers = JoinSet::new();
        let mut attendance = JoinSet::new();
        let (attendant, outlet) = (Arc::clone(&handler), self.outlet.clone());
        attendance.spawn(async move { attendant.attend(&outlet).await });
        let drained = tokio::time::sleep(Duration::MAX);
        tokio::pin!(drained);
        let mut stopping = false;
        while !(stopping && handlers.is_empty()) {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => if !self.note(event) { return },
                    None => return,
                },
                () = self.lost.cancelled() => return,
                Some(command) = self.commands.recv() => if self.execute(command).await.is_err() { return },
                _ = handlers.join_next(), if !handlers.is_empty() => {}
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    drained.as_mut().reset(tokio::time::Instant::now() + DRAIN);
                }
                () = &mut drained, if stopping => break,
                delivery = self.deliveries.recv(), if self.listens && !stopping => match delivery {
                    Some(delivery) => { handlers.spawn(run(Arc::clone(&handler), delivery, self.outlet.clone())); }
                    None => return,
                },
            }
        }
        self.close().await;
    }

    /// Whether the channel lives on.
    fn note(&mut self, event: ChannelEvent) -> bool {
        match event {
            ChannelEvent::Confirmed { tag, multiple } => self.unconfirmed.settle(tag, multiple, true),
            ChannelEvent::Refused { tag, multiple } => self.unconfirmed.settle(tag, multiple, false),
            ChannelEvent::Ended(reason) => {
                tracing::warn!(reason, "the broker ended the channel");
                return false;
            }
        }
        true
    }

    async fn execute(&mut self, command: Command) -> Result<(), amqprs::error::Error> {
        match command {
            Command::Publish { message, persistent, waiter } => {
                let properties = properties(&message, persistent);
                let arguments = BasicPublishArguments::new(&message.exchange, &message.routing_key);
                self.channel.basic_publish(properties, message.body, arguments).await?;
                self.unconfirmed.push(waiter);
                Ok(())
            }
            Command::Settle(tag, Verdict::Done) => {
                self.channel.basic_ack(BasicAckArguments::new(tag, false)).await
            }
            Command::Settle(tag, verdict) => {
                let requeue = verdict == Verdict::Again;
                self.channel.basic_nack(BasicNackArguments::new(tag, false, requeue)).await
            }
        }
    }

    /// Settles what handlers asked for last, then closes. What is not settled returns to its queue.
    async fn close(mut self) {
        while let Ok(command) = self.commands.try_recv() {
            if self.execute(command).await.is_err() {
                return;
            }
        }
        let farewell = tokio::spawn(async move {
            // Either may be gone already, which is what we want.
            let _ = self.channel.close().await;
            let _ = self.connection.close().await;
        });
        if tokio::time::timeout(DRAIN, farewell).await.is_err() {
            tracing::warn!("the broker did not take the farewell in time");
        }
    }
}

async fn queue_of(channel: &Channel, subscription: &Subscription) -> Result<String, amqprs::error::Error> {
    match subscription {
        Subscription::Queue(name) => Ok(name.clone()),
        Subscription::Own { exchange, routing_key } => {
            let declared = channel.queue_declare(QueueDeclareArguments::exclusive_server_named()).await?;
            let (name, _, _) = declared.unwrap_or_default();
            channel.queue_bind(QueueBindArguments::new(&name, exchange, routing_key)).await?;
            Ok(name)
        }
    }
}

async fn run(handler: Arc<dyn Handler>, raw: RawDelivery, outlet: Outlet) {
    let tag = raw.deliver.delivery_tag();
    let header = |name: &str| {
        let key = name.try_into().ok()?;
        raw.properties.headers()?.get(&key).map(|value| match value {
            FieldValue::S(text) => text.as_ref().clone(),
            other => other.to_string(),
        })
    };
    let delivery = Delivery {
        routing_key: raw.deliver.routing_key().clone(),
        message_id: raw.properties.message_id().cloned(),
        event_type: raw.properties.message_type().cloned(),
        traceparent: header("traceparent"),
        body: raw.body,
    };
    let verdict = handler.handle(delivery, &outlet).await;
    // A lost session has nobody to tell; the broker gives the delivery to the next one.
    let _ = outlet.commands.send(Command::Settle(tag, verdict));
}

/// An empty type and a zero timestamp are left out.
fn properties(message: &WireMessage, persistent: bool) -> BasicProperties {
    let mut properties = BasicProperties::default();
    properties
        .with_delivery_mode(if persistent { 2 } else { 1 })
        .with_message_id(&message.message_id)
        .with_content_type(&message.content_type);
    if !message.event_type.is_empty() {
        properties.with_message_type(&message.event_type);
    }
    if message.timestamp > 0 {
        properties.with_timestamp(message.timestamp);
    }
    if let Some(id) = &message.correlation_id {
        properties.with_correlation_id(id);
    }
    if let (Some(traceparent), Ok(key)) = (&message.traceparent, "traceparent".try_into()) {
        let mut headers = FieldTable::new();
        headers.insert(key, FieldValue::from(traceparent.clone()));
        properties.with_headers(headers);
    }
    properties.finish()
}

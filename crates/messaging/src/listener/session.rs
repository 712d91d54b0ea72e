//! One session of a listener: its queue, its bindings, what comes in. All of it dies with the connection.

use amqprs::channel::{
    BasicAckArguments, Channel, ConsumerMessage, QueueBindArguments, QueueDeclareArguments,
    QueueUnbindArguments,
};
use amqprs::error::Error;
use protocol::topology::Argument;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Command, Ears, Heard};
use crate::broker::{BrokerError, ChannelEvent, Session, Subscription, Take, uncancelled};
use crate::topology;

/// Messages the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 500;
/// Messages that wait at the broker when we are slow; beyond them the oldest are dropped.
const MOST_WAITING: i64 = 10_000;
/// Bindings changed in one go.
const MOST_CHANGES: usize = 256;

pub(super) struct Listening<'a> {
    session: Session,
    subscription: Subscription,
    queue: String,
    ears: &'a mut Ears,
}

impl<'a> Listening<'a> {
    /// Declares the queue and begins to take from it. Nothing is bound yet.
    pub(super) async fn begin(session: Session, ears: &'a mut Ears) -> Result<Self, BrokerError> {
        let channel = session.channel.clone();
        let declaring = async move { channel.queue_declare(queue_arguments()).await };
        let declared = uncancelled("declaring a queue", declaring).await??;
        let (queue, _, _) = declared.ok_or(BrokerError::Interrupted("declaring a queue"))?;
        let subscription = session.subscribe(&queue, Take::Prefetch(PREFETCH)).await?;
        Ok(Self { session, subscription, queue: queue.to_string(), ears })
    }

    /// Listens until the session dies, nobody hears it any more, or `stop`.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let wanted = self.ears.keys.iter().cloned().map(Command::Listen).collect();
        if self.ears.tell(Heard::Connected).await && self.bind_all(wanted, stop).await {
            self.listen(stop).await;
        }
        info!(exchange = self.ears.exchange, "a listener's session ended");
        self.session.close().await;
    }

    async fn listen(&mut self, stop: &CancellationToken) {
        loop {
            let alive = tokio::select! {
                biased;
                () = stop.cancelled() => false,
                event = self.session.events.recv() => !matches!(
                    event,
                    None | Some(ChannelEvent::Closed { .. } | ChannelEvent::ConsumerCancelled)
                ),
                () = self.session.lost.cancelled() => false,
                command = self.ears.commands.recv() => match command {
                    Some(command) => self.obey(command, stop).await,
                    None => false,
                },
                message = self.subscription.deliveries.recv() => match message {
                    Some(message) => self.pass_on(message).await,
                    None => false,
                },
            };
            if !alive {
                return;
            }
        }
    }

    /// Takes all commands that have come; false when the session is dead.
    async fn obey(&mut self, first: Command, stop: &CancellationToken) -> bool {
        let mut commands = vec![first];
        while let Ok(command) = self.ears.commands.try_recv() {
            commands.push(command);
        }
        self.bind_all(commands, stop).await
    }

    async fn bind_all(&mut self, mut commands: Vec<Command>, stop: &CancellationToken) -> bool {
        while !commands.is_empty() && !stop.is_cancelled() {
            let rest = commands.split_off(commands.len().min(MOST_CHANGES));
            if !self.bind_some(std::mem::replace(&mut commands, rest)).await {
                return false;
            }
        }
        true
    }

    async fn bind_some(&mut self, commands: Vec<Command>) -> bool {
        let (mut requests, mut bound) = (Vec::with_capacity(commands.len()), Vec::new());
        for command in commands {
            requests.push(self.request(&command));
            if let Command::Listen(key) = &command {
                bound.push(key.clone());
            }
            self.ears.note(command);
        }
        let channel = self.session.channel.clone();
        let sent = uncancelled("binding", async move { send_all(&channel, requests).await }).await;
        if !matches!(sent, Ok(Ok(()))) {
            return false;
        }
        for key in bound {
            if !self.ears.tell(Heard::Bound(key)).await {
                return false;
            }
        }
        true
    }

    fn request(&self, command: &Command) -> Request {
        let (queue, exchange) = (&self.queue, self.ears.exchange);
        match command {
            Command::Listen(key) => Request::Bind(QueueBindArguments::new(queue, exchange, key)),
            Command::Ignore(key) => Request::Unbind(QueueUnbindArguments::new(queue, exchange, key)),
        }
    }

    /// Hands over what has arrived and acknowledges it together.
    async fn pass_on(&mut self, first: ConsumerMessage) -> bool {
        let mut last_tag = None;
        let mut next = Some(first);
        while let Some(message) = next {
            last_tag = message.deliver.as_ref().map(|deliver| deliver.delivery_tag());
            if let Some(body) = message.content
                && !self.ears.tell(Heard::Message(body)).await
            {
                return false;
            }
            next = self.subscription.deliveries.try_recv().ok();
        }
        let Some(tag) = last_tag else { return true };
        self.session.channel.basic_ack(BasicAckArguments::new(tag, true)).await.is_ok()
    }
}

enum Request {
    Bind(QueueBindArguments),
    Unbind(QueueUnbindArguments),
}

/// The broker does what a channel asks for in its order, so only the last answer has to be waited for.
async fn send_all(channel: &Channel, requests: Vec<Request>) -> Result<(), Error> {
    let last = requests.len().saturating_sub(1);
    for (index, request) in requests.into_iter().enumerate() {
        match request {
            Request::Bind(mut arguments) => {
                arguments.no_wait(index != last);
                channel.queue_bind(arguments).await?;
            }
            Request::Unbind(arguments) => channel.queue_unbind(arguments).await?,
        }
    }
    Ok(())
}

/// The broker names the queue, so that the queue of a connection that it has not given up yet is never in the way.
fn queue_arguments() -> QueueDeclareArguments {
    let limits = [
        ("x-max-length", Argument::Number(MOST_WAITING)),
        ("x-overflow", Argument::Text("drop-head".to_owned())),
    ];
    let mut arguments = QueueDeclareArguments::exclusive_server_named();
    arguments.auto_delete(true).arguments(topology::table(&limits));
    arguments
}

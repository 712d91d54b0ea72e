//! Hears messages that are not worth keeping, by their routing key. One actor owns a session with one queue of its
//! own, which the broker deletes with the connection, and binds it to an exchange for the keys that somebody
//! listens to at the moment. What is published while there is no session is missed; the listener says so.

mod session;

use std::collections::HashSet;
use std::sync::Arc;

use protocol::topology::{ExchangeSpec, Topology};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Reconnect, Session};
use crate::health::{BrokerHealth, HealthCell};
use session::Listening;

/// Messages and news that wait for whoever listens; beyond them the broker keeps some, then drops the oldest.
const HEARD_CAPACITY: usize = 1024;

/// What a listener has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// There is a session; bindings follow, each announced on its own.
    Connected,
    /// From now on messages with this key are heard. What was published before may have been missed. Said again
    /// for every key after each loss.
    Bound(String),
    /// The body of a message.
    Message(Vec<u8>),
    /// The session is gone, and every binding with it.
    Lost,
}

enum Command {
    Listen(String),
    Ignore(String),
}

/// Handle to the listener's actor.
#[derive(Clone)]
pub struct Listener {
    /// Unbounded so that a caller never waits for the broker; it holds no more than callers have keys.
    commands: mpsc::UnboundedSender<Command>,
    health: Arc<HealthCell>,
}

impl Listener {
    /// Starts the actor, which declares `exchange` and ends after `stop` or when every handle is gone.
    #[must_use]
    pub fn start(
        broker: &Broker,
        exchange: ExchangeSpec,
        stop: CancellationToken,
    ) -> (Self, mpsc::Receiver<Heard>, JoinHandle<()>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (heard, hearer) = mpsc::channel(HEARD_CAPACITY);
        let health = Arc::new(HealthCell::default());
        let name = exchange.name;
        let topology = Topology { exchanges: vec![exchange], ..Topology::default() };
        let actor = Actor {
            reconnect: Reconnect::new(broker, format!("listener to {name}"), topology, false),
            ears: Ears { exchange: name, commands: receiver, keys: HashSet::new(), heard },
            health: Arc::clone(&health),
            stop,
        };
        (Self { commands, health }, hearer, tokio::spawn(actor.run()))
    }

    /// Listens for messages with this key; [`Heard::Bound`] says when it does.
    pub fn listen(&self, key: String) {
        // A listener that has ended hears nothing more, and whoever holds the receiver knows it.
        let _ = self.commands.send(Command::Listen(key));
    }

    /// Listens no longer.
    pub fn ignore(&self, key: String) {
        let _ = self.commands.send(Command::Ignore(key));
    }

    /// How it is doing.
    #[must_use]
    pub fn health(&self) -> BrokerHealth {
        self.health.get()
    }
}

/// What outlives a session.
struct Ears {
    exchange: &'static str,
    commands: mpsc::UnboundedReceiver<Command>,
    keys: HashSet<String>,
    heard: mpsc::Sender<Heard>,
}

impl Ears {
    /// Keeps the wish for the next session.
    fn note(&mut self, command: Command) {
        match command {
            Command::Listen(key) => self.keys.insert(key),
            Command::Ignore(key) => self.keys.remove(&key),
        };
    }

    /// Tells whoever listens; false when nobody does any more.
    async fn tell(&self, heard: Heard) -> bool {
        self.heard.send(heard).await.is_ok()
    }
}

struct Actor {
    reconnect: Reconnect,
    ears: Ears,
    health: Arc<HealthCell>,
    stop: CancellationToken,
}

impl Actor {
    async fn run(mut self) {
        let stop = self.stop.clone();
        while let Some(session) = self.connect(&stop).await {
            match Listening::begin(session, &mut self.ears).await {
                Ok(listening) => {
                    self.health.set_connected(true);
                    listening.run(&stop).await;
                    self.health.set_connected(false);
                }
                Err(error) => self.reconnect.failed(&error),
            }
            if stop.is_cancelled() || self.ears.commands.is_closed() || !self.ears.tell(Heard::Lost).await {
                return;
            }
        }
    }

    /// Opens a session and meanwhile takes note of what callers want.
    async fn connect(&mut self, stop: &CancellationToken) -> Option<Session> {
        let opening = self.reconnect.open(stop);
        tokio::pin!(opening);
        loop {
            tokio::select! {
                biased;
                session = &mut opening => return session,
                command = self.ears.commands.recv() => self.ears.note(command?),
            }
        }
    }
}

//! A message on its way through the publisher, with whoever waits to hear what became of it.

use tokio::sync::{mpsc, oneshot};

use super::{PublishError, Settled};
use crate::message::Outgoing;

pub(super) struct Entry {
    pub(super) message: Outgoing,
    pub(super) reply: Reply,
}

pub(super) enum Reply {
    One(oneshot::Sender<Result<(), PublishError>>),
    Many { token: u128, results: mpsc::UnboundedSender<Settled> },
}

impl Entry {
    /// Tells the outcome; nobody may be listening any more.
    pub(super) fn settle(self, outcome: Result<(), PublishError>) {
        match self.reply {
            Reply::One(reply) => drop(reply.send(outcome)),
            Reply::Many { token, results } => drop(results.send((token, outcome))),
        }
    }
}

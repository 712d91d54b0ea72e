//! Exchanges, queues and bindings as data. Arguments of queues that outsiders may declare too are part of the
//! contract (2.1, 3): a different argument is refused by the broker and kills the channel that tried.

mod agents;
mod events;

pub use agents::*;
pub use events::*;

/// How an exchange distributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeKind {
    /// By routing key pattern.
    Topic,
    /// By exact routing key.
    Direct,
    /// To every bound queue.
    Fanout,
}

/// One exchange as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeSpec {
    /// Its name.
    pub name: &'static str,
    /// How it distributes.
    pub kind: ExchangeKind,
    /// Whether it survives a restart of the broker.
    pub durable: bool,
    /// Where messages go that no binding matches.
    pub alternate: Option<&'static str>,
}

/// Value of a queue argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
}

/// One queue as it is declared; never auto-delete, never exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name.
    pub name: String,
    /// Whether it survives a restart of the broker.
    pub durable: bool,
    /// Arguments, sent exactly as they stand here.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// One binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingSpec {
    /// The queue that receives.
    pub queue: String,
    /// The exchange that gives.
    pub exchange: &'static str,
    /// Routing key or pattern.
    pub routing_key: String,
}

/// What a service declares on every new connection before it does anything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// Declared first.
    pub exchanges: Vec<ExchangeSpec>,
    /// Declared second.
    pub queues: Vec<QueueSpec>,
    /// Declared last.
    pub bindings: Vec<BindingSpec>,
}

impl Topology {
    /// Both, without repeating what is in both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        extend_distinct(&mut self.exchanges, other.exchanges);
        extend_distinct(&mut self.queues, other.queues);
        extend_distinct(&mut self.bindings, other.bindings);
        self
    }
}

fn extend_distinct<T: PartialEq>(into: &mut Vec<T>, from: Vec<T>) {
    for item in from {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}

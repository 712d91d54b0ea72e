//! The faults, and how they are told.

use std::fmt;
use std::time::Duration;

use crate::Role;

/// The processes that are made to fail. Each service has two replicas.
pub const ROLES: [Role; 6] = [
    Role::Gateway,
    Role::SecondGateway,
    Role::Routing,
    Role::SecondRouting,
    Role::Provenance,
    Role::SecondProvenance,
];

/// A server that services depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// RabbitMQ.
    Broker,
    /// PostgreSQL.
    Database,
}

/// What a network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Connections break, and no new one can be made.
    Cut,
    /// Nothing gets through, and nobody is told.
    Silent,
    /// Nothing gets to the server.
    RequestsHeld,
    /// Nothing comes from the server.
    AnswersHeld,
    /// Every answer takes its time.
    Slow,
    /// Packets get lost and are sent again.
    Lossy,
    /// Connections are half open: ended for the server, open for the service, and that for ever.
    HalfOpen,
}

/// Whose network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// That of all processes.
    Everybody,
    /// That of one.
    Only(Role),
}

/// Where in its work a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After its commits, before what it publishes and acknowledges because of them reaches the broker.
    BeforePublish,
    /// After what it publishes has reached the broker, before the confirms arrive.
    BeforeConfirm,
    /// In the middle of its transactions.
    BeforeCommit,
    /// After its commits, before it hears of them.
    BeforeAnswer,
    /// After confirms have arrived, before what they confirm is deleted from the outbox.
    BeforeDelete,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A process is killed and started again.
    Kill(Role),
    /// Both replicas of a service are killed at the same time: the one given and the one after it.
    KillBoth(Role, Role),
    /// A process is killed at a certain moment.
    KillAt(Moment, Role),
    /// A process stands still for a while.
    Freeze(Role, Duration),
    /// A process's clock is wrong by so many seconds for a while.
    ClockJump(Role, i64, Duration),
    /// A server is stopped and started again.
    Restart(Server),
    /// A server is killed and started again.
    KillServer(Server),
    /// The network to a server is in trouble for a while.
    Network(Trouble, Server, Whose, Duration),
    /// All connections to a server are closed by it.
    CloseConnections(Server),
    /// The broker says that its memory is full, for a while.
    MemoryAlarm(Duration),
    /// The broker says that its disk is full, for a while.
    DiskAlarm(Duration),
    /// The database ends every session that is in a transaction, again and again for a while.
    EndTransactions(Duration),
    /// Others have all of the database's connections for a while.
    NoConnections(Duration),
    /// The database's disk is full for a while.
    FullDisk(Duration),
    /// Events that were sent already are sent again.
    RepeatEvents(usize),
    /// Events that were sent already are sent again twice each, in another order, by any key.
    ShuffleEvents(usize),
    /// Events are sent that nobody can read.
    BrokenEvents(usize),
    /// Every queue that a service reads gets messages that nobody can read, of all kinds.
    Garbage,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(role) => write!(formatter, "{role:?} is killed"),
            Self::KillBoth(one, two) => write!(formatter, "{one:?} and {two:?} are killed"),
            Self::KillAt(moment, role) => write!(formatter, "{role:?} is killed, {moment:?}"),
            Self::Freeze(role, time) => write!(formatter, "{role:?} stands still for {time:?}"),
            Self::ClockJump(role, seconds, time) => {
                write!(formatter, "{role:?}'s clock is wrong by {seconds} s for {time:?}")
            }
            Self::Restart(server) => write!(formatter, "the {server:?} is restarted"),
            Self::KillServer(server) => write!(formatter, "the {server:?} is killed"),
            Self::Network(trouble, server, whose, time) => {
                write!(formatter, "the network to the {server:?} is {trouble:?} for {whose:?}, {time:?}")
            }
            Self::CloseConnections(server) => write!(formatter, "the {server:?} closes all connections"),
            Self::MemoryAlarm(time) => write!(formatter, "the Broker's memory is full for {time:?}"),
            Self::DiskAlarm(time) => write!(formatter, "the Broker's disk is full for {time:?}"),
            Self::EndTransactions(time) => {
                write!(formatter, "the Database ends every transaction for {time:?}")
            }
            Self::NoConnections(time) => {
                write!(formatter, "the Database is out of connections for {time:?}")
            }
            Self::FullDisk(time) => write!(formatter, "the Database's disk is full for {time:?}"),
            Self::RepeatEvents(count) => write!(formatter, "{count} events come again"),
            Self::ShuffleEvents(count) => write!(formatter, "{count} events come twice more in any order"),
            Self::BrokenEvents(count) => write!(formatter, "{count} events cannot be read"),
            Self::Garbage => write!(formatter, "every queue gets what cannot be read"),
        }
    }
}

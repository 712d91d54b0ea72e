//! The faults, and how a seed makes an order of them.

use std::fmt;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

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

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A process is killed and started again.
    Kill(Role),
    /// Both replicas of a service are killed at the same time: the one given and the one after it.
    KillBoth(Role, Role),
    /// A process stands still for a while.
    Freeze(Role, Duration),
    /// A process is killed while no answer of the broker reaches it: after its commits, before the confirms.
    KillBeforeConfirm(Role),
    /// A process is killed while no answer of the database reaches it: in the middle of its transactions.
    KillBeforeCommit(Role),
    /// A server is stopped and started again.
    Restart(Server),
    /// A server is killed and started again.
    KillServer(Server),
    /// The network to a server is cut for a while.
    Cut(Server, Duration),
    /// The network to a server swallows everything for a while.
    Silence(Server, Duration),
    /// The network to a server is slow for a while.
    Slow(Server, Duration),
    /// All connections to a server are closed by it.
    CloseConnections(Server),
    /// The broker says that its memory is full, for a while.
    MemoryAlarm(Duration),
    /// Events that were sent already are sent again.
    RepeatEvents(usize),
    /// Events are sent that nobody can read.
    BrokenEvents(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(role) => write!(formatter, "{role:?} is killed"),
            Self::KillBoth(one, two) => write!(formatter, "{one:?} and {two:?} are killed"),
            Self::Freeze(role, time) => write!(formatter, "{role:?} stands still for {time:?}"),
            Self::KillBeforeConfirm(role) => write!(formatter, "{role:?} is killed before confirms arrive"),
            Self::KillBeforeCommit(role) => write!(formatter, "{role:?} is killed in its transactions"),
            Self::Restart(server) => write!(formatter, "the {server:?} is restarted"),
            Self::KillServer(server) => write!(formatter, "the {server:?} is killed"),
            Self::Cut(server, time) => write!(formatter, "the network to the {server:?} is cut for {time:?}"),
            Self::Silence(server, time) => {
                write!(formatter, "the network to the {server:?} is silent for {time:?}")
            }
            Self::Slow(server, time) => {
                write!(formatter, "the network to the {server:?} is slow for {time:?}")
            }
            Self::CloseConnections(server) => write!(formatter, "the {server:?} closes all connections"),
            Self::MemoryAlarm(time) => write!(formatter, "the Broker's memory is full for {time:?}"),
            Self::RepeatEvents(count) => write!(formatter, "{count} events come again"),
            Self::BrokenEvents(count) => write!(formatter, "{count} events cannot be read"),
        }
    }
}

/// The short form: every process and both servers killed and more, each once, in an order of the seed's.
#[must_use]
pub fn short_list(random: &mut StdRng) -> Vec<Fault> {
    let services = [Role::Gateway, Role::Routing, Role::Provenance];
    let mut faults: Vec<Fault> = services.into_iter().map(Fault::Kill).collect();
    faults.extend([
        Fault::KillBoth(Role::Gateway, Role::SecondGateway),
        Fault::KillBoth(Role::Routing, Role::SecondRouting),
        Fault::KillBoth(Role::Provenance, Role::SecondProvenance),
        Fault::KillBeforeConfirm(Role::Gateway),
        Fault::KillBeforeCommit(Role::Gateway),
        Fault::KillBeforeConfirm(Role::Provenance),
        Fault::KillServer(Server::Broker),
        Fault::KillServer(Server::Database),
        Fault::CloseConnections(Server::Broker),
        Fault::CloseConnections(Server::Database),
        Fault::RepeatEvents(30),
        Fault::BrokenEvents(3),
    ]);
    faults.shuffle(random);
    faults
}

/// Any fault.
#[must_use]
pub fn any(random: &mut StdRng) -> Fault {
    let role = *ROLES.choose(random).expect("there are roles");
    let server = if random.random_bool(0.5) { Server::Broker } else { Server::Database };
    let time = Duration::from_millis(random.random_range(500..8_000));
    match random.random_range(0..16) {
        0..=2 => Fault::Kill(role),
        3 => {
            let pair = random.random_range(0..ROLES.len() / 2) * 2;
            Fault::KillBoth(ROLES[pair], ROLES[pair + 1])
        }
        4 => Fault::Freeze(role, time),
        5 => Fault::Freeze(role, time * 8),
        6 => Fault::KillBeforeConfirm(role),
        7 => Fault::KillBeforeCommit(role),
        8 => Fault::Restart(server),
        9 => Fault::KillServer(server),
        10 => Fault::Cut(server, time),
        11 => Fault::Silence(server, time * 2),
        12 => Fault::Slow(server, time),
        13 => Fault::CloseConnections(server),
        14 => Fault::MemoryAlarm(time),
        _ if random.random_bool(0.5) => Fault::RepeatEvents(random.random_range(1..100)),
        _ => Fault::BrokenEvents(random.random_range(1..5)),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults_and_another_one_others() {
        let faults = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            let mut faults = short_list(&mut random);
            faults.extend((0..20).map(|_| any(&mut random)));
            faults
        };
        assert_eq!(faults(7), faults(7));
        assert_ne!(faults(7), faults(8));
    }
}

//! Which faults, and in which order: a seed decides.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use super::fault::{Fault, Moment, ROLES, Server, Trouble, Whose};
use crate::Role;

const TROUBLES: [Trouble; 7] = [
    Trouble::Cut,
    Trouble::Silent,
    Trouble::RequestsHeld,
    Trouble::AnswersHeld,
    Trouble::Slow,
    Trouble::Lossy,
    Trouble::HalfOpen,
];
const MOMENTS: [Moment; 5] = [
    Moment::BeforePublish,
    Moment::BeforeConfirm,
    Moment::BeforeCommit,
    Moment::BeforeAnswer,
    Moment::BeforeDelete,
];
/// Farthest that a clock is wrong, in seconds.
const CLOCK_SECONDS: i64 = 45;

/// The short form: every process and both servers killed and more, each once, in an order of the seed's.
#[must_use]
pub fn short_list(random: &mut StdRng) -> Vec<Fault> {
    let services = [Role::Gateway, Role::Routing, Role::Provenance];
    let mut faults: Vec<Fault> = services.into_iter().map(Fault::Kill).collect();
    faults.extend([
        Fault::KillBoth(Role::Gateway, Role::SecondGateway),
        Fault::KillBoth(Role::Routing, Role::SecondRouting),
        Fault::KillBoth(Role::Provenance, Role::SecondProvenance),
        Fault::KillAt(Moment::BeforeConfirm, Role::Gateway),
        Fault::KillAt(Moment::BeforeCommit, Role::Gateway),
        Fault::KillAt(Moment::BeforeConfirm, Role::Provenance),
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

/// The first part of a long run: every kind of fault at least once, in an order of the seed's.
#[must_use]
pub fn complete_list(random: &mut StdRng) -> Vec<Fault> {
    let mut faults = short_list(random);
    for trouble in TROUBLES {
        for server in [Server::Broker, Server::Database] {
            faults.push(Fault::Network(trouble, server, whose(random, server), time(random)));
        }
    }
    for moment in MOMENTS {
        faults.push(Fault::KillAt(moment, Role::SecondGateway));
        faults.push(Fault::KillAt(moment, Role::SecondProvenance));
    }
    faults.push(Fault::KillAt(Moment::BeforePublish, Role::Routing));
    faults.push(Fault::KillAt(Moment::BeforeConfirm, Role::SecondRouting));
    for role in [Role::Gateway, Role::Routing, Role::Provenance] {
        faults.push(Fault::Freeze(role, time(random)));
        faults.push(clock_jump(random, role));
    }
    faults.extend([
        Fault::Freeze(*ROLES.choose(random).expect("there are roles"), Duration::from_secs(60)),
        Fault::Restart(Server::Broker),
        Fault::Restart(Server::Database),
        Fault::MemoryAlarm(time(random)),
        Fault::DiskAlarm(time(random)),
        Fault::EndTransactions(time(random)),
        Fault::NoConnections(time(random)),
        Fault::FullDisk(time(random)),
        Fault::ShuffleEvents(100),
        Fault::Garbage,
    ]);
    faults.shuffle(random);
    faults
}

/// Any fault.
#[must_use]
pub fn any(random: &mut StdRng) -> Fault {
    let role = *ROLES.choose(random).expect("there are roles");
    let server = if random.random_bool(0.5) { Server::Broker } else { Server::Database };
    match random.random_range(0..24) {
        0..=2 => Fault::Kill(role),
        3 => {
            let pair = random.random_range(0..ROLES.len() / 2) * 2;
            Fault::KillBoth(ROLES[pair], ROLES[pair + 1])
        }
        4..=6 => kill_at(random, role),
        7 => Fault::Freeze(role, time(random) * 8),
        8 => clock_jump(random, role),
        9 => Fault::Restart(server),
        10 => Fault::KillServer(server),
        11..=15 => {
            let trouble = *TROUBLES.choose(random).expect("there are troubles");
            Fault::Network(trouble, server, whose(random, server), time(random) * 2)
        }
        16 => Fault::CloseConnections(server),
        17 => Fault::MemoryAlarm(time(random)),
        18 => Fault::DiskAlarm(time(random)),
        19 => Fault::EndTransactions(time(random)),
        20 => Fault::NoConnections(time(random)),
        21 => Fault::FullDisk(time(random)),
        22 if random.random_bool(0.5) => Fault::RepeatEvents(random.random_range(1..100)),
        22 => Fault::ShuffleEvents(random.random_range(1..100)),
        _ if random.random_bool(0.5) => Fault::BrokenEvents(random.random_range(1..5)),
        _ => Fault::Garbage,
    }
}

fn time(random: &mut StdRng) -> Duration {
    Duration::from_millis(random.random_range(500..8_000))
}

fn whose(random: &mut StdRng, server: Server) -> Whose {
    if random.random_bool(0.5) {
        return Whose::Everybody;
    }
    let users: Vec<Role> =
        ROLES.into_iter().filter(|role| server == Server::Broker || has_database(*role)).collect();
    Whose::Only(*users.choose(random).expect("somebody uses it"))
}

fn kill_at(random: &mut StdRng, role: Role) -> Fault {
    let of_the_broker = [Moment::BeforePublish, Moment::BeforeConfirm];
    let moments = if has_database(role) { &MOMENTS[..] } else { &of_the_broker[..] };
    Fault::KillAt(*moments.choose(random).expect("there are moments"), role)
}

/// Forwards or backwards.
fn clock_jump(random: &mut StdRng, role: Role) -> Fault {
    Fault::ClockJump(role, random.random_range(-CLOCK_SECONDS..=CLOCK_SECONDS), time(random))
}

const fn has_database(role: Role) -> bool {
    !matches!(role, Role::Routing | Role::SecondRouting)
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
            faults.extend(complete_list(&mut random));
            faults.extend((0..20).map(|_| any(&mut random)));
            faults
        };
        assert_eq!(faults(7), faults(7));
        assert_ne!(faults(7), faults(8));
    }

    #[test]
    fn only_processes_with_a_database_have_trouble_with_it() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..2_000 {
            let role = match any(&mut random) {
                Fault::Network(_, Server::Database, Whose::Only(role), _)
                | Fault::KillAt(Moment::BeforeCommit | Moment::BeforeAnswer | Moment::BeforeDelete, role) => {
                    role
                }
                _ => continue,
            };
            assert!(has_database(role), "{role:?}");
        }
    }
}

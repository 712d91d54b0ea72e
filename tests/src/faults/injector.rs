//! Makes faults happen, and ends them: when it returns, everything runs again, though perhaps not yet recovered.

mod database;
mod events;
mod network;
mod processes;

use std::time::Duration;

use test_support::{OwnServers, SmallDisk};
use tokio::time::sleep;

use super::fault::{Fault, Server};
use crate::Stack;
pub use events::TAP;

/// How long a killed server stays away.
const AWAY: Duration = Duration::from_millis(200);

/// Somebody who breaks things.
pub struct Injector<'s> {
    servers: &'s OwnServers,
    disk: Option<&'s SmallDisk>,
    /// Bodies of the unreadable messages sent so far.
    pub broken: Vec<Vec<u8>>,
}

impl<'s> Injector<'s> {
    /// For these servers, and the disk under the database's tables, if there is one.
    #[must_use]
    pub const fn new(servers: &'s OwnServers, disk: Option<&'s SmallDisk>) -> Self {
        Self { servers, disk, broken: Vec::new() }
    }

    /// Makes a fault happen and ends it. False when it is not possible here.
    pub async fn inject(&mut self, fault: Fault, stack: &mut Stack) -> bool {
        match fault {
            Fault::Kill(role) => processes::kill(stack, &[role]).await,
            Fault::KillBoth(one, two) => processes::kill(stack, &[one, two]).await,
            Fault::KillAt(moment, role) => processes::kill_at(stack, moment, role).await,
            Fault::Freeze(role, time) => processes::freeze(stack, role, time).await,
            Fault::ClockJump(role, seconds, time) => processes::jump(stack, role, seconds, time).await,
            Fault::Restart(server) => self.servers.order(&format!("restart-{}", name(server))).await,
            Fault::KillServer(server) => {
                self.servers.order(&format!("kill-{}", name(server))).await;
                sleep(AWAY).await;
                self.servers.order(&format!("start-{}", name(server))).await;
            }
            Fault::Network(trouble, server, whose, time) => {
                network::trouble(stack, trouble, server, whose, time).await;
            }
            Fault::CloseConnections(Server::Broker) => {
                stack.outsider().0.close_all_connections().await;
            }
            Fault::CloseConnections(Server::Database) => database::close_connections(stack).await,
            Fault::MemoryAlarm(time) => {
                self.servers.ctl(&["set_vm_memory_high_watermark", "0.0001"]).await;
                sleep(time).await;
                self.servers.ctl(&["set_vm_memory_high_watermark", "absolute", "2GB"]).await;
            }
            Fault::DiskAlarm(time) => {
                self.servers.ctl(&["set_disk_free_limit", "9000GB"]).await;
                sleep(time).await;
                self.servers.ctl(&["set_disk_free_limit", "100MB"]).await;
            }
            Fault::EndTransactions(time) => database::end_transactions(stack, time).await,
            Fault::NoConnections(time) => database::take_all_connections(self.servers, stack, time).await,
            Fault::FullDisk(time) => return self.fill_disk(time).await,
            Fault::RepeatEvents(count) => events::repeat(stack, count).await,
            Fault::ShuffleEvents(count) => events::shuffle(stack, count).await,
            Fault::BrokenEvents(count) => events::send_broken(stack, count, &mut self.broken).await,
            Fault::Garbage => events::send_garbage(stack, &mut self.broken).await,
        }
        true
    }

    async fn fill_disk(&self, time: Duration) -> bool {
        let Some(disk) = self.disk else { return false };
        disk.fill();
        sleep(time).await;
        disk.free();
        true
    }
}

const fn name(server: Server) -> &'static str {
    match server {
        Server::Broker => "broker",
        Server::Database => "database",
    }
}

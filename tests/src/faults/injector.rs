//! Makes faults happen, and ends them: when it returns, everything runs again, though perhaps not yet recovered.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use test_support::{Message, OwnServers, Proxy};
use tokio::time::sleep;
use tokio_postgres::NoTls;

use super::fault::{Fault, Server};
use crate::{Role, Stack};

/// How long a network is silent before a process is killed behind it: enough for what was under way to be committed.
const BEFORE_KILL: Duration = Duration::from_millis(400);
/// How long a killed process stays away.
const AWAY: Duration = Duration::from_millis(200);
/// What a slow network does.
const SLOW_MS: u64 = 60;

/// Keys of events that several queues take.
const BROKEN_KEYS: [&str; 3] = ["task.output.created", "task.validated", "task.started"];

/// Somebody who breaks things.
pub struct Injector<'s> {
    servers: &'s OwnServers,
    tap: String,
    /// Bodies of the unreadable events sent so far.
    pub broken: Vec<Vec<u8>>,
}

impl<'s> Injector<'s> {
    /// Needs a queue with copies of events, to send them again.
    #[must_use]
    pub const fn new(servers: &'s OwnServers, tap: String) -> Self {
        Self { servers, tap, broken: Vec::new() }
    }

    /// Makes a fault happen and ends it.
    pub async fn inject(&mut self, fault: Fault, stack: &mut Stack) {
        match fault {
            Fault::Kill(role) => kill(stack, &[role]).await,
            Fault::KillBoth(one, two) => kill(stack, &[one, two]).await,
            Fault::Freeze(role, time) => freeze(stack, role, time).await,
            Fault::KillBeforeConfirm(role) => kill_behind(stack, Server::Broker, role).await,
            Fault::KillBeforeCommit(role) => kill_behind(stack, Server::Database, role).await,
            Fault::Restart(server) => self.servers.order(&format!("restart-{}", name(server))).await,
            Fault::KillServer(server) => {
                self.servers.order(&format!("kill-{}", name(server))).await;
                sleep(AWAY).await;
                self.servers.order(&format!("start-{}", name(server))).await;
            }
            Fault::Cut(server, time) => for_a_while(proxy(stack, server), time, Proxy::cut).await,
            Fault::Silence(server, time) => for_a_while(proxy(stack, server), time, Proxy::freeze).await,
            Fault::Slow(server, time) => {
                for_a_while(proxy(stack, server), time, |proxy| proxy.slow(SLOW_MS)).await;
            }
            Fault::CloseConnections(Server::Broker) => {
                stack.outsider().0.close_all_connections().await;
            }
            Fault::CloseConnections(Server::Database) => close_database_connections(stack).await,
            Fault::MemoryAlarm(time) => {
                self.servers.ctl(&["set_vm_memory_high_watermark", "0.0001"]).await;
                sleep(time).await;
                self.servers.ctl(&["set_vm_memory_high_watermark", "absolute", "2GB"]).await;
            }
            Fault::RepeatEvents(count) => self.repeat(stack, count).await,
            Fault::BrokenEvents(count) => self.send_broken(stack, count).await,
        }
    }

    async fn repeat(&self, stack: &Stack, count: usize) {
        let broker = stack.outsider().0;
        for _ in 0..count {
            let Some(message) = broker.get_message(&self.tap).await else { return };
            broker.publish(message).await;
        }
    }

    async fn send_broken(&mut self, stack: &Stack, count: usize) {
        for number in 0..count {
            let key = BROKEN_KEYS[number % BROKEN_KEYS.len()];
            let body = format!("{{\"task_id\": \"broken {}\"", self.broken.len()).into_bytes();
            self.broken.push(body.clone());
            stack.outsider().0.publish(Message::new("task.events", key, body)).await;
        }
    }
}

const fn name(server: Server) -> &'static str {
    match server {
        Server::Broker => "broker",
        Server::Database => "database",
    }
}

fn proxy(stack: &Stack, server: Server) -> &Proxy {
    let proxy = match server {
        Server::Broker => stack.broker_proxy.as_ref(),
        Server::Database => stack.database_proxy.as_ref(),
    };
    proxy.expect("the stack is behind proxies")
}

async fn for_a_while(proxy: &Proxy, time: Duration, change: impl FnOnce(&Proxy)) {
    change(proxy);
    sleep(time).await;
    proxy.restore();
}

async fn kill(stack: &mut Stack, roles: &[Role]) {
    let mut launches = Vec::new();
    for &role in roles {
        launches.push((role, stack.kill(role).await));
    }
    sleep(AWAY).await;
    for (role, launch) in launches {
        stack.launch(role, launch);
    }
    for &role in roles {
        stack.ready(role).await;
    }
}

async fn kill_behind(stack: &mut Stack, server: Server, role: Role) {
    proxy(stack, server).freeze();
    sleep(BEFORE_KILL).await;
    let launch = stack.kill(role).await;
    proxy(stack, server).restore();
    stack.launch(role, launch);
    stack.ready(role).await;
}

async fn freeze(stack: &Stack, role: Role, time: Duration) {
    let id = i32::try_from(stack.pid(role)).expect("a process id");
    let pid = Pid::from_raw(id).expect("a process id");
    kill_process(pid, Signal::STOP).expect("a process to stop");
    sleep(time).await;
    kill_process(pid, Signal::CONT).expect("a process to wake");
}

/// As an administrator does, or a server that runs out of connections.
async fn close_database_connections(stack: &Stack) {
    for database in [stack.gateway_database(), stack.provenance_database()] {
        let connected = tokio_postgres::connect(database.url(), NoTls).await;
        let (client, connection) = connected.expect("the database is up");
        let carrying = tokio::spawn(connection);
        let close = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.execute(close, &[]).await.expect("connections to close");
        carrying.abort();
    }
}

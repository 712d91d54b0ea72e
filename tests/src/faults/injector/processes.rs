//! Processes that are killed, stand still, or read a wrong clock.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::network;
use crate::faults::fault::{Moment, Server};
use crate::{Role, Stack};

/// How long a process works on behind a network that holds things back before it is killed: enough for what was under
/// way to be committed or published.
const BEFORE_KILL: Duration = Duration::from_millis(400);
/// How long a killed process stays away.
const AWAY: Duration = Duration::from_millis(200);

pub(super) async fn kill(stack: &mut Stack, roles: &[Role]) {
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

/// Holds back what comes after the moment, so that the process cannot get past it, and kills it there.
pub(super) async fn kill_at(stack: &mut Stack, moment: Moment, role: Role) {
    let server = match moment {
        Moment::BeforePublish | Moment::BeforeConfirm => Server::Broker,
        Moment::BeforeCommit | Moment::BeforeAnswer | Moment::BeforeDelete => Server::Database,
    };
    let proxy = network::proxy(stack, server, role).expect("a process that uses the server");
    match moment {
        Moment::BeforePublish | Moment::BeforeDelete => proxy.hold_requests(),
        Moment::BeforeConfirm | Moment::BeforeAnswer => proxy.hold_answers(),
        Moment::BeforeCommit => proxy.freeze(),
    }
    sleep(BEFORE_KILL).await;
    let launch = stack.kill(role).await;
    if let Some(proxy) = network::proxy(stack, server, role) {
        proxy.restore();
    }
    stack.launch(role, launch);
    stack.ready(role).await;
}

pub(super) async fn freeze(stack: &Stack, role: Role, time: Duration) {
    let id = i32::try_from(stack.pid(role)).expect("a process id");
    let pid = Pid::from_raw(id).expect("a process id");
    kill_process(pid, Signal::STOP).expect("a process to stop");
    sleep(time).await;
    kill_process(pid, Signal::CONT).expect("a process to wake");
}

/// The process's clock is wrong for a while, and then right again, which is a jump as well.
pub(super) async fn jump(stack: &Stack, role: Role, seconds: i64, time: Duration) {
    stack.shift_clock(role, seconds);
    sleep(time).await;
    stack.shift_clock(role, 0);
}

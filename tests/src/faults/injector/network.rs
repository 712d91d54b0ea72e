//! Trouble with the network between processes and servers.

use std::time::Duration;

use test_support::Proxy;
use tokio::time::sleep;

use crate::faults::fault::{Server, Trouble, Whose};
use crate::{Role, Stack};

/// What a slow network does.
const SLOW_MS: u64 = 60;

/// Trouble for a while.
pub(super) async fn trouble(stack: &Stack, trouble: Trouble, server: Server, whose: Whose, time: Duration) {
    let proxies = proxies(stack, server, whose);
    proxies.iter().for_each(|proxy| begin(proxy, trouble));
    sleep(time).await;
    proxies.iter().for_each(|proxy| proxy.restore());
}

/// A process's way to a server.
pub(super) fn proxy(stack: &Stack, server: Server, role: Role) -> Option<&Proxy> {
    let links = stack.links.get(&role)?;
    match server {
        Server::Broker => Some(&links.broker),
        Server::Database => links.database.as_ref(),
    }
}

fn proxies(stack: &Stack, server: Server, whose: Whose) -> Vec<&Proxy> {
    let is_meant = |role: &Role| match whose {
        Whose::Everybody => true,
        Whose::Only(one) => *role == one,
    };
    stack.links.keys().copied().filter(is_meant).filter_map(|role| proxy(stack, server, role)).collect()
}

fn begin(proxy: &Proxy, trouble: Trouble) {
    match trouble {
        Trouble::Cut => proxy.cut(),
        Trouble::Silent => proxy.freeze(),
        Trouble::RequestsHeld => proxy.hold_requests(),
        Trouble::AnswersHeld => proxy.hold_answers(),
        Trouble::Slow => proxy.slow(SLOW_MS),
        Trouble::Lossy => proxy.lose_packets(),
        Trouble::HalfOpen => proxy.abandon(),
    }
}

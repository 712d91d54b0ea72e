//! Connections and channels: when all is quiet there are no more of them than at the start, and no transaction is open.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{Inquiry, NO_PROGRESS, POLL, number};
use crate::faults::fault::ROLES;
use crate::{Role, Stack};

/// The broker's statistics are as old as this.
const STATISTICS: Duration = Duration::from_secs(6);
/// How our services call their connections.
const OURS: [&str; 3] = ["api-gateway", "routing-engine", "provenance-store"];
/// Sessions that are opened for a moment to look at queues, and may be seen at any time.
const FOR_A_MOMENT: &str = " look at ";

const OPEN_SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
const OPEN_TRANSACTIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND state LIKE 'idle in transaction%' AND state_change < now() - interval '5 seconds'";

/// Connections and channels of our services at the broker, by what the connections are for.
pub type Sessions = BTreeMap<String, (i64, i64)>;

/// What there is once everybody is connected.
pub async fn steady(stack: &Stack) -> Sessions {
    let (mut found, mut since) = (sessions(stack).await, Instant::now());
    let started = Instant::now();
    while since.elapsed() < STATISTICS && started.elapsed() < NO_PROGRESS {
        sleep(POLL).await;
        let now = sessions(stack).await;
        if now != found || now.is_empty() {
            (found, since) = (now, Instant::now());
        }
    }
    found
}

async fn sessions(stack: &Stack) -> Sessions {
    let broker = stack.outsider().0;
    let listed = broker.management(&format!("vhosts/{}/connections", broker.vhost())).await;
    let mut found = Sessions::new();
    for connection in listed.as_array().into_iter().flatten() {
        let name = connection["user_provided_name"].as_str().unwrap_or_default();
        if OURS.iter().any(|service| name.starts_with(service)) && !name.contains(FOR_A_MOMENT) {
            let entry = found.entry(name.to_owned()).or_default();
            entry.0 += 1;
            entry.1 += connection["channels"].as_i64().unwrap_or_default();
        }
    }
    found
}

impl Inquiry<'_> {
    pub(super) async fn no_session_is_left_over(&mut self, stack: &Stack) {
        let started = Instant::now();
        loop {
            let faults = self.left_over(stack).await;
            if faults.is_empty() {
                return;
            }
            if started.elapsed() > NO_PROGRESS {
                self.violations.extend(faults);
                return;
            }
            sleep(POLL).await;
        }
    }

    async fn left_over(&self, stack: &Stack) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, now) in sessions(stack).await {
            let before = self.evidence.sessions.get(&name).copied().unwrap_or_default();
            if now.0 > before.0 || now.1 > before.1 {
                faults.push(format!(
                    "{name} had {before:?} connections and channels at the broker and now has {now:?}"
                ));
            }
        }
        let databases = [
            (&self.gateway, [Role::Gateway, Role::SecondGateway]),
            (&self.provenance, [Role::Provenance, Role::SecondProvenance]),
        ];
        for (database, roles) in databases {
            // The watch has one as well.
            let mut most = 1;
            for role in roles.into_iter().filter(|role| ROLES.contains(role)) {
                most += pool_size(&stack.client_of(role).probe("/metrics").await.text);
            }
            let open = number(database, OPEN_SESSIONS).await;
            if open > most {
                faults.push(format!("{roles:?} have {open} connections to their database, {most} at most"));
            }
            let waiting = number(database, OPEN_TRANSACTIONS).await;
            if waiting > 0 {
                faults.push(format!("{roles:?} have left {waiting} transactions open"));
            }
        }
        faults
    }
}

/// How many connections a process may have, as it says itself.
fn pool_size(metrics: &str) -> i64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix("dats_database_pool_max_connections "));
    let size: f64 = line.and_then(|size| size.trim().parse().ok()).unwrap_or_default();
    size as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_pool_is_read_from_the_metrics() {
        assert_eq!(pool_size("# TYPE x gauge\ndats_database_pool_max_connections 16\n"), 16);
    }
}

//! The checker: knows what clients were promised and reads REST, both databases, the queues and what workers left on
//! disk. It repairs nothing and explains nothing away; whatever it cannot account for is a violation.

mod histories;
mod queues;
mod records;
mod sessions;
mod tables;
mod tasks;
mod trust;

use std::path::Path;
use std::time::{Duration, Instant};

use tokio_postgres::{Client as Database, NoTls};

use super::chains::Chain;
use super::fault::ROLES;
use super::workload::Promise;
use crate::{Client, Role, Stack, measure};
pub use sessions::{Sessions, steady};

/// Longest time without any progress before the wait for quiet is given up.
const NO_PROGRESS: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(250);
/// More than any service needs in these runs, whatever its build.
const MOST_MEMORY_MIB: f64 = 250.0;

/// What the checker has beside the system itself.
pub struct Evidence<'e> {
    /// What clients were promised.
    pub promises: &'e [Promise],
    /// Which artifacts were tainted, and what was made from them.
    pub chains: &'e [Chain],
    /// Connections at the start.
    pub sessions: &'e Sessions,
    /// Whether requests repeated under their idempotency key count once.
    pub keys_count: bool,
    /// Bodies of events that were sent to be unreadable.
    pub broken: &'e [Vec<u8>],
    /// Where workers left what they made.
    pub outputs: &'e Path,
}

/// What is checked, and what was found wrong.
struct Inquiry<'i> {
    client: Client,
    gateway: Database,
    provenance: Database,
    evidence: &'i Evidence<'i>,
    violations: Vec<String>,
}

/// Waits until all is quiet and checks everything; what is wrong.
pub async fn check(stack: &mut Stack, evidence: &Evidence<'_>) -> Vec<String> {
    for role in ROLES {
        // Whatever ended by itself stays as it is, and is reported below.
        if stack.is_running(role) {
            stack.ready(role).await;
        }
    }
    let mut inquiry = Inquiry {
        client: stack.client_of(Role::Gateway),
        gateway: open(stack.gateway_database().url()).await,
        provenance: open(stack.provenance_database().url()).await,
        evidence,
        violations: Vec::new(),
    };
    inquiry
        .becomes_zero("tasks are not ended", true, "SELECT count(*) FROM tasks WHERE phase <> 'done'")
        .await;
    inquiry.becomes_zero("events wait in the gateway's outbox", true, "SELECT count(*) FROM outbox").await;
    inquiry.queues_become_empty(stack).await;
    inquiry
        .becomes_zero("events wait in the provenance's outbox", false, "SELECT count(*) FROM outbox")
        .await;
    inquiry.dead_letters_are_explained(stack).await;
    inquiry.nothing_is_unrouted(stack).await;
    inquiry.promises_are_kept().await;
    inquiry.nothing_was_taken_twice().await;
    inquiry.tables_agree().await;
    inquiry.records_are_complete().await;
    inquiry.no_dependent_is_missed().await;
    inquiry.no_session_is_left_over(stack).await;
    inquiry.processes_are_well(stack);
    inquiry.violations
}

impl Inquiry<'_> {
    fn wrong(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// Waits until a count is zero, as long as it falls.
    async fn becomes_zero(&mut self, what: &str, of_gateway: bool, query: &str) {
        let (mut least, mut since) = (i64::MAX, Instant::now());
        loop {
            let database = if of_gateway { &self.gateway } else { &self.provenance };
            let count = number(database, query).await;
            if count == 0 {
                return;
            }
            if count < least {
                (least, since) = (count, Instant::now());
            }
            if since.elapsed() > NO_PROGRESS {
                return self.wrong(format!("{count} {what}"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Every row of the query is a violation, told by its one text.
    async fn no_rows(&mut self, of_gateway: bool, what: &str, query: &str) {
        let database = if of_gateway { &self.gateway } else { &self.provenance };
        let rows = database.query(query, &[]).await.expect("an answer of the database");
        for row in rows {
            self.wrong(format!("{what}: {}", row.get::<_, String>(0)));
        }
    }

    fn processes_are_well(&mut self, stack: &mut Stack) {
        for role in ROLES {
            if !stack.is_running(role) {
                self.wrong(format!("{role:?} has ended by itself"));
                continue;
            }
            let memory = measure::usage(stack.pid(role)).resident_mib;
            if memory > MOST_MEMORY_MIB {
                self.wrong(format!("{role:?} has {memory:.0} MiB"));
            }
        }
    }
}

async fn open(url: &str) -> Database {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the database is up");
    // It ends with the client.
    tokio::spawn(connection);
    client
}

async fn number(database: &Database, query: &str) -> i64 {
    database.query_one(query, &[]).await.expect("an answer of the database").get(0)
}

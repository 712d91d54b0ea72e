//! A database that turns against those who use it.

use std::time::{Duration, Instant};

use test_support::{OwnServers, TestDatabase};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use crate::Stack;

/// How often transactions are looked for.
const EVERY: Duration = Duration::from_millis(20);
/// More connections than the server has.
const CONNECTIONS: usize = 310;
/// How long somebody who found no connection waits before the next try.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

const ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";
const IN_TRANSACTION: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid() \
    AND (state LIKE 'idle in transaction%' OR state = 'active')";

/// As an administrator does.
pub(super) async fn close_connections(stack: &Stack) {
    for database in databases(stack) {
        let (client, _) = open(database.url()).await.expect("the database is up");
        client.execute(ALL, &[]).await.expect("connections to close");
    }
}

/// As `idle_in_transaction_session_timeout` does, and worse: whoever is seen in a transaction loses the session.
pub(super) async fn end_transactions(stack: &Stack, time: Duration) {
    let until = Instant::now() + time;
    let mut clients = Vec::new();
    for database in databases(stack) {
        clients.push(open(database.url()).await.expect("the database is up").0);
    }
    while Instant::now() < until {
        for client in &clients {
            client.execute(IN_TRANSACTION, &[]).await.expect("transactions to end");
        }
        sleep(EVERY).await;
    }
}

/// Others take every connection that is free, then those of the services are closed, and the others are faster, or not.
pub(super) async fn take_all_connections(servers: &OwnServers, stack: &Stack, time: Duration) {
    let url = &servers.servers().database_admin_url;
    let mut others = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let url = url.clone();
        others.spawn(async move {
            loop {
                if let Ok((_client, connection)) = open(&url).await {
                    // Until it is closed.
                    let _ = connection.await;
                }
                sleep(AGAIN_AFTER).await;
            }
        });
    }
    sleep(time / 2).await;
    // There may be no connection left for us either, which is what this is about.
    for database in databases(stack) {
        if let Ok((client, _)) = open(database.url()).await {
            let _ = client.execute(ALL, &[]).await;
        }
    }
    sleep(time / 2).await;
    others.shutdown().await;
}

fn databases(stack: &Stack) -> [&TestDatabase; 2] {
    [stack.gateway_database(), stack.provenance_database()]
}

/// A connection, and the task that carries it; it ends with the client.
async fn open(url: &str) -> Result<(Client, tokio::task::JoinHandle<()>), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let carrying = tokio::spawn(async move {
        // Closed by whoever.
        let _ = connection.await;
    });
    Ok((client, carrying))
}

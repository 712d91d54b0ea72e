//! pgbench with scripts of our own: rows as large as a task and its event.

use std::time::Duration;

use test_support::TestDatabase;
use tokio::process::Command;

const TABLES: &str = "
    CREATE TABLE tasks (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), project text NOT NULL, description text NOT NULL,
        status text NOT NULL, options jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON tasks (project, created_at);
    CREATE TABLE outbox (id bigserial PRIMARY KEY, routing_key text NOT NULL, body bytea NOT NULL);
    CREATE TABLE numbered (id bigint PRIMARY KEY, body text NOT NULL);
    INSERT INTO numbered SELECT n, repeat('x', 500) FROM generate_series(1, 20000) n;
    ANALYZE;";

const TASK: &str = "INSERT INTO tasks (project, description, status, options) \
    VALUES ('bench', repeat('x', 100), 'pending', '{\"decompose\": false, \"escalate_tier\": true}')";
const OUTBOX: &str =
    "INSERT INTO outbox (routing_key, body) VALUES ('task.created', decode(repeat('78', 900), 'hex'))";

/// One row and one commit at a time, for each client.
pub(super) async fn insert(clients: u32, time: Duration) -> Option<f64> {
    run(&format!("{TASK};"), clients, time).await
}

/// A transaction of two statements.
pub(super) async fn task_and_outbox(clients: u32, time: Duration) -> Option<f64> {
    run(&format!("BEGIN;\n{TASK};\n{OUTBOX};\nEND;"), clients, time).await
}

/// The same rows in one statement.
pub(super) async fn task_and_outbox_at_once(clients: u32, time: Duration) -> Option<f64> {
    run(&format!("WITH task AS ({TASK}) {OUTBOX};"), clients, time).await
}

/// One row by its key.
pub(super) async fn point_select(clients: u32, time: Duration) -> Option<f64> {
    run("\\set id random(1, 20000)\nSELECT body FROM numbered WHERE id = :id;", clients, time).await
}

/// Runs a script; transactions a second.
async fn run(script: &str, clients: u32, time: Duration) -> Option<f64> {
    let database = TestDatabase::create("floor").await;
    database.client().await.batch_execute(TABLES).await.expect("tables for the floors");
    let file = std::env::temp_dir().join(format!("{}.sql", database.name()));
    std::fs::write(&file, script).expect("write a script for pgbench");
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2"])
        .args(["-c", &clients.to_string(), "-T", &time.as_secs().max(1).to_string()])
        .arg("-f")
        .arg(&file)
        .arg(database.url())
        .kill_on_drop(true)
        .output()
        .await;
    // A file in the temporary folder that cannot be removed hurts nobody.
    let _ = std::fs::remove_file(&file);
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            eprintln!("no floor from pgbench: {error}");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = rate(&text);
    if rate.is_none() {
        eprintln!(
            "no floor from pgbench: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    rate
}

fn rate(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_prints() {
        let text = "latency average = 3.372 ms\ntps = 18978.251 (without initial connection time)\n";
        assert_eq!(rate(text), Some(18978.251));
        assert_eq!(rate("pgbench: error"), None);
    }
}

//! Looks at the gateway's table all the time, past every proxy: a project must never have more tasks under way than it
//! may, however briefly.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

const EVERY: Duration = Duration::from_millis(100);
const UNDER_WAY: &str = "SELECT project_id, count(*) FROM tasks \
    WHERE phase IN ('routing', 'ready', 'executing', 'validating') GROUP BY project_id";

/// Somebody who counts.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default, Clone)]
struct Seen {
    looks: usize,
    most: i64,
    violations: Vec<String>,
}

impl Watch {
    /// Begins to look at the database at `url`.
    #[must_use]
    pub fn start(url: &str, limit: i64) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (url, book) = (url.to_owned(), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                if let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
                    let carrying = tokio::spawn(connection);
                    look(&client, &book, limit).await;
                    carrying.abort();
                }
                // The database is away; it will be back.
                tokio::time::sleep(EVERY).await;
            }
        });
        Self { seen, task }
    }

    /// What it saw: how often it looked, the most tasks of a project that were under way, and every violation.
    #[must_use]
    pub fn finish(self) -> (usize, i64, Vec<String>) {
        self.task.abort();
        let seen = self.seen.lock().expect("nobody panics with it").clone();
        (seen.looks, seen.most, seen.violations)
    }
}

/// Looks until the database goes away.
async fn look(client: &Client, book: &Mutex<Seen>, limit: i64) {
    while let Ok(rows) = client.query(UNDER_WAY, &[]).await {
        book.lock()
            .expect("nobody panics with it")
            .add(rows.iter().map(|row| (row.get(0), row.get(1))), limit);
        tokio::time::sleep(EVERY).await;
    }
}

impl Seen {
    fn add(&mut self, projects: impl Iterator<Item = (String, i64)>, limit: i64) {
        self.looks += 1;
        for (project, count) in projects {
            self.most = self.most.max(count);
            if count > limit {
                self.violations.push(format!("{project} had {count} tasks under way, its limit is {limit}"));
            }
        }
    }
}

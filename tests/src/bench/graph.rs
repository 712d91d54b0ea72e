//! A large graph of generated work, loaded straight into a provenance database: a million records with three million
//! edges take a minute so, and hours as events. And how it is asked.

use std::time::{Duration, Instant};

use messaging::RpcClient;
use protocol::provenance_query::ProvenanceQuery;
use protocol::topology::PROVENANCE_QUERY_QUEUE;
use serde_json::Value;
use tokio_postgres::Client as Database;

use super::latencies::Latencies;
use super::stage::PATIENCE;

/// See the file.
const LOAD: &str = include_str!("graph/load.sql");
/// Independent parts of each kind, as the file has them.
const LARGE: usize = 5;
const MIDDLE: usize = 30;
/// How long an answer may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// What was loaded.
#[derive(Debug, Clone, Copy)]
pub struct Graph {
    /// Artifacts that depend on the root of a large part.
    size: usize,
}

impl Graph {
    /// Loads a graph into an empty database. `size` is the number of artifacts that depend on the root of a large part.
    ///
    /// # Panics
    /// When the database does not take it.
    pub async fn load(database: &Database, size: usize) -> Self {
        let load = LOAD.replace("@SIZE@", &size.to_string());
        database.batch_execute(&load).await.expect("the graph is loaded");
        for table in ["provenance_records", "artifacts", "artifact_dependencies"] {
            database.batch_execute(&format!("VACUUM ANALYZE {table}")).await.expect("vacuumed");
        }
        // What was loaded is written now and not while something is measured.
        database.batch_execute("CHECKPOINT").await.expect("a checkpoint");
        Self { size }
    }

    /// How many records there are.
    #[must_use]
    pub const fn records(&self) -> usize {
        LARGE * (self.size + 1) + MIDDLE * (self.size / 10 + 1) + 200 * (self.size / 100 + 1)
    }

    /// How many artifacts depend on a root of the middle kind, and on the beginning of the row.
    #[must_use]
    pub const fn middle_size(&self) -> usize {
        self.size / 10
    }

    /// How many artifacts depend on a root of the large kind.
    #[must_use]
    pub const fn large_size(&self) -> usize {
        self.size
    }

    /// One of the roots of the large kind.
    #[must_use]
    pub fn large_root(&self, number: usize) -> String {
        name(1 + number % LARGE)
    }

    /// One of the roots of the middle kind.
    #[must_use]
    pub fn middle_root(&self, number: usize) -> String {
        name(1 + LARGE * (self.size + 1) + number % MIDDLE)
    }

    /// Where the row begins.
    #[must_use]
    pub fn beginning_of_row(&self) -> String {
        name(self.records() + 1)
    }

    /// Any artifact, in an order without order.
    #[must_use]
    pub fn any(&self, number: usize) -> String {
        name(1 + number.wrapping_mul(7_919_317) % self.records())
    }
}

fn name(number: usize) -> String {
    format!("artifact-{number}")
}

/// Asks over and over, one question after another, and gives the time that 95 of 100 answers took at most, in
/// milliseconds. `check` looks at every answer.
///
/// # Panics
/// When an answer does not come or is not as expected.
pub async fn p95(
    asker: &RpcClient,
    questions: usize,
    question: impl Fn(usize) -> ProvenanceQuery,
    check: impl Fn(&Value) -> bool,
) -> f64 {
    let mut latencies = Latencies::default();
    for number in 0..questions {
        let body = serde_json::to_vec(&question(number)).expect("a question as JSON");
        let begun = Instant::now();
        let answer = asker.call(PROVENANCE_QUERY_QUEUE, body, ANSWERED_WITHIN).await.expect("an answer");
        latencies.record(begun.elapsed());
        let answer: Value = serde_json::from_slice(&answer).expect("an answer as JSON");
        assert!(check(&answer["result"]), "{}", &answer.to_string()[..answer.to_string().len().min(500)]);
    }
    latencies.percentile(0.95)
}

/// Waits until the service answers questions.
///
/// # Panics
/// When it does not in [`PATIENCE`].
pub async fn answers(asker: &RpcClient) {
    test_support::wait_until("the service answers", PATIENCE, || async {
        let question = ProvenanceQuery::GetRecord { id: "nothing".to_owned() };
        let body = serde_json::to_vec(&question).expect("a question as JSON");
        asker.call(PROVENANCE_QUERY_QUEUE, body, Duration::from_secs(5)).await.is_ok()
    })
    .await;
}

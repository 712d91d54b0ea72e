//! The load generator: our own keep-alive HTTP client, cheap because it shares the cores with what it measures, and two
//! ways to drive it. A closed loop asks as fast as it is answered; an open loop asks at a fixed rate whatever happens.

mod closed;
mod connection;
mod open;

pub use connection::{Connection, get, post};
pub(in crate::bench) use open::pace;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::clock::Moment;
use super::latencies::Latencies;

/// Makes the bytes of a request from its number and the moment when it is meant to be sent.
pub type Requests = Arc<dyn Fn(u64, Moment) -> Vec<u8> + Send + Sync>;

/// What to ask for and over how many connections.
#[derive(Clone)]
pub struct Load {
    /// Whom to ask.
    pub address: SocketAddr,
    /// Requests at the same time.
    pub connections: usize,
    /// The status that counts as success.
    pub expected: u16,
    /// The requests.
    pub requests: Requests,
    /// In a closed loop: taken before each request. Whoever sees the end of what the request began puts it back.
    pub permits: Option<Arc<Semaphore>>,
}

/// What a load met with.
#[derive(Debug, Default)]
pub struct Measured {
    /// Times of the successful requests, from the moment they were meant to be sent to the whole answer.
    pub latencies: Latencies,
    /// How long was measured, in seconds.
    pub seconds: f64,
    /// Requests that were not answered, or not as expected.
    pub failures: usize,
    /// The first of them.
    pub first_failure: Option<String>,
}

impl Load {
    /// A load without permits.
    #[must_use]
    pub fn new(address: SocketAddr, connections: usize, expected: u16, requests: Requests) -> Self {
        Self { address, connections, expected, requests, permits: None }
    }

    /// Asks as fast as answers come, and measures after `warm_up`, for `time`.
    pub async fn closed(&self, warm_up: Duration, time: Duration) -> Measured {
        apart(closed::run(self.clone(), warm_up, time)).await
    }

    /// Asks `rate` times a second, and measures after `warm_up`, for `time`.
    pub async fn open(&self, rate: f64, warm_up: Duration, time: Duration) -> Measured {
        apart(open::run(self.clone(), rate, warm_up, time)).await
    }
}

impl Measured {
    /// Successful requests a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.latencies.count() as f64 / self.seconds
    }

    fn failed(&mut self, reason: String) {
        self.failures += 1;
        self.first_failure.get_or_insert(reason);
    }

    fn merge(&mut self, other: Self) {
        self.latencies.merge(other.latencies);
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }
}

/// Runs a future on a thread and a runtime of its own: what else this program does must not delay it, and one thread
/// without hand-overs is the cheapest.
async fn apart<T, F>(future: F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // Nobody waits any more when the program is ending.
        let _ = done.send(runtime.block_on(future));
    });
    result.await.expect("the load runs to its end")
}

//! The supervised line: opens a session, and another one with growing patience whenever it is lost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use protocol::topology::Topology;
use rand::Rng;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::address::BrokerAddress;
use super::session::{Delivery, Outlet, Session, Subscription, Verdict};

/// Longest time to connect and subscribe before the attempt is given up.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// What to connect to and what to listen to.
#[derive(Debug, Clone)]
pub struct StationSettings {
    /// The broker.
    pub address: BrokerAddress,
    /// How the connection shows up there.
    pub name: String,
    /// What to declare first; for most, others do that.
    pub topology: Topology,
    /// What to listen to.
    pub subscriptions: Vec<Subscription>,
    /// Deliveries in hand at once, for each subscription.
    pub prefetch: u16,
}

/// What a stand-in does with its deliveries. Deliveries are handled side by side.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Deals with one delivery. It comes again if the connection is lost before the verdict reached the broker.
    async fn handle(&self, delivery: Delivery, outlet: &Outlet) -> Verdict;

    /// Runs beside the deliveries for as long as a connection lives, and is dropped with it. For what is told
    /// without being asked.
    async fn attend(&self, _outlet: &Outlet) {}
}

/// A running line. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct Station {
    stop: DropGuard,
    supervisor: JoinHandle<()>,
}

impl Station {
    /// Starts to connect in the background.
    #[must_use]
    pub fn start(settings: StationSettings, handler: Arc<dyn Handler>) -> Self {
        let stop = CancellationToken::new();
        let supervisor = tokio::spawn(supervise(Arc::new(settings), handler, stop.clone()));
        Self { stop: stop.drop_guard(), supervisor }
    }

    /// Takes no more deliveries, lets handlers finish for a moment, and closes the connection.
    pub async fn stop(self) {
        self.stop.disarm().cancel();
        if let Err(error) = self.supervisor.await {
            tracing::error!(%error, "the line to the broker did not end well");
        }
    }
}

async fn supervise(settings: Arc<StationSettings>, handler: Arc<dyn Handler>, stop: CancellationToken) {
    let mut delay = FIRST_DELAY;
    while !stop.is_cancelled() {
        match open(&settings).await {
            Ok(session) => {
                tracing::info!(name = settings.name, "connected to the broker");
                delay = FIRST_DELAY;
                session.serve(Arc::clone(&handler), &stop).await;
            }
            Err(reason) => tracing::warn!(name = settings.name, reason, "no connection to the broker"),
        }
        let jittered = delay.mul_f64(rand::rng().random_range(0.5..1.0));
        delay = (delay * 2).min(LONGEST_DELAY);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(jittered) => {}
        }
    }
}

/// The opening task is left to itself when it takes too long, never dropped: see [`Session::open`].
async fn open(settings: &Arc<StationSettings>) -> Result<Session, String> {
    let settings = Arc::clone(settings);
    let opening = tokio::spawn(async move { Session::open(&settings).await });
    match tokio::time::timeout(OPEN_TIMEOUT, opening).await {
        Ok(Ok(Ok(session))) => Ok(session),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(panic)) => Err(panic.to_string()),
        Err(_) => Err("the broker did not answer in time".to_owned()),
    }
}

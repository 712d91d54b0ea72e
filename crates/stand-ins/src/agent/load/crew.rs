//! The one connection that all agents of a load share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::WireMessage;
use protocol::vocabulary::AgentType;
use tokio::sync::{mpsc, watch};

use super::LoadSettings;
use crate::agent::outgoing::Sender;
use crate::agent::request::Request;
use crate::agent::topology::declared_by_agents;
use crate::broker::{
    BrokerAddress, ConnectionLost, Delivery, Handler, Outlet, Station, StationSettings, Subscription, Verdict,
};

const WORK_QUEUE: &str = "work_queue";
const CONNECTED_WITHIN: Duration = Duration::from_secs(30);
/// Messages that may wait for their confirm at once.
const UNCONFIRMED: usize = 1_000;

/// A connection, and the work that came over it.
pub(super) struct Crew {
    station: Station,
    outlet: Outlet,
    /// Requests that were taken and are not answered yet.
    pub(super) requests: mpsc::UnboundedReceiver<Request>,
}

/// Hands out the connection's outlet, and takes every request.
struct Desk {
    connected: watch::Sender<Option<Outlet>>,
    taken: mpsc::UnboundedSender<Request>,
}

impl Crew {
    /// Connects; takes work only if results are wanted, so that others' work is left alone.
    pub(super) async fn gather(settings: &LoadSettings) -> anyhow::Result<Self> {
        let (connected, mut outlet) = watch::channel(None);
        let (taken, requests) = mpsc::unbounded_channel();
        let takes_work = settings.results > 0;
        let station = StationSettings {
            address: BrokerAddress::parse(&settings.rabbitmq_url)?,
            name: "stand-in agents as a load".to_owned(),
            topology: declared_by_agents(WORK_QUEUE),
            subscriptions: takes_work
                .then(|| Subscription::Queue(WORK_QUEUE.to_owned()))
                .into_iter()
                .collect(),
            prefetch: 500,
        };
        let station = Station::start(station, Arc::new(Desk { connected, taken }));
        let outlet = tokio::time::timeout(CONNECTED_WITHIN, outlet.wait_for(Option::is_some))
            .await
            .context("no connection to the broker")??
            .clone()
            .ok_or_else(|| anyhow!("no connection to the broker"))?;
        Ok(Self { station, outlet, requests })
    }

    /// How these agents write.
    pub(super) const fn sender() -> Sender {
        Sender { agent_type: AgentType::Infra, zone_less_timestamps: true }
    }

    /// Publishes at most `rate` messages a second; how long it took until all were confirmed.
    pub(super) async fn publish(
        &self,
        messages: impl Iterator<Item = WireMessage>,
        rate: u32,
    ) -> anyhow::Result<Duration> {
        let began = tokio::time::Instant::now();
        let pause = Duration::from_secs(1) / rate.max(1);
        let mut due = began;
        let paced = stream::iter(messages.map(|message| {
            due += pause;
            (due, message)
        }))
        .then(|(due, message)| async move {
            tokio::time::sleep_until(due).await;
            message
        });
        let lost = |ConnectionLost| anyhow!("the connection to the broker was lost");
        paced
            .map(|message| async { self.outlet.publish_as(message, false).await.map_err(lost) })
            .buffer_unordered(UNCONFIRMED)
            .try_collect::<()>()
            .await?;
        Ok(Instant::from(began).elapsed())
    }

    /// Ends the connection.
    pub(super) async fn disband(self) {
        self.station.stop().await;
    }
}

#[async_trait::async_trait]
impl Handler for Desk {
    async fn handle(&self, delivery: Delivery, _: &Outlet) -> Verdict {
        match Request::read(&delivery.body) {
            Ok(request) => match self.taken.send(request) {
                Ok(()) => Verdict::Done,
                // Nobody waits for it any more.
                Err(_) => Verdict::Again,
            },
            Err(_) => Verdict::Refused,
        }
    }

    async fn attend(&self, outlet: &Outlet) {
        self.connected.send_replace(Some(outlet.clone()));
        std::future::pending().await
    }
}

//! Agents as a load: heartbeats of many agents and results of much work, at a given rate and bounded in number, and how
//! long it takes until the services have taken them all in.

mod crew;
mod heartbeats;
mod listing;
mod results;

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use reqwest::Client;
use serde_json::Value;

use crew::Crew;

/// How often the services are asked whether they have taken everything in.
const POLL: Duration = Duration::from_millis(20);

/// How much, how fast, and where to.
#[derive(Debug, Clone)]
pub struct LoadSettings {
    /// `amqp://` URL of the broker.
    pub rabbitmq_url: String,
    /// The gateway, without a prefix.
    pub gateway_url: String,
    /// Heartbeats to send.
    pub heartbeats: u32,
    /// How many agents they are from.
    pub agents: u32,
    /// Results to send, each for work that is dispatched before.
    pub results: u32,
    /// Messages a second.
    pub rate: u32,
    /// How often the list of agents is asked for.
    pub listings: u32,
    /// Longest time until everything of a kind is taken in.
    pub patience: Duration,
}

/// What was measured; a part that was not asked for is absent.
#[derive(Debug, Clone, Default)]
pub struct LoadReport {
    /// How the heartbeats went.
    pub heartbeats: Option<Absorbed>,
    /// How the results went.
    pub results: Option<Absorbed>,
    /// How long lists of agents took, and how many were on the last one.
    pub listing: Option<listing::Listing>,
}

/// Messages that went in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Absorbed {
    /// How many.
    pub messages: u32,
    /// Until the broker had confirmed them all.
    pub published: Duration,
    /// Until the gateway showed the effect of the last one.
    pub absorbed: Duration,
}

impl Absorbed {
    /// Messages a second, from the first publish to the last effect.
    #[must_use]
    pub fn rate(&self) -> f64 {
        f64::from(self.messages) / self.absorbed.as_secs_f64().max(f64::EPSILON)
    }
}

impl fmt::Display for Absorbed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} published in {:.2} s, taken in after {:.2} s: {:.0}/s",
            self.messages,
            self.published.as_secs_f64(),
            self.absorbed.as_secs_f64(),
            self.rate()
        )
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.heartbeats.map(|absorbed| format!("heartbeats: {absorbed}")),
            self.results.map(|absorbed| format!("results:    {absorbed}")),
            self.listing.as_ref().map(|listing| format!("listing:    {listing}")),
        ];
        formatter.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join("\n"))
    }
}

/// Sends everything and waits until it has had its effect.
///
/// # Errors
/// When the broker or the gateway cannot be reached, or patience ends first.
pub async fn run(settings: &LoadSettings) -> anyhow::Result<LoadReport> {
    let gateway = Gateway::new(settings)?;
    let mut crew = Crew::gather(settings).await?;
    let mut report = LoadReport::default();
    if settings.heartbeats > 0 {
        report.heartbeats = Some(heartbeats::send(settings, &crew, &gateway).await?);
    }
    if settings.results > 0 {
        report.results = Some(results::send(settings, &mut crew, &gateway).await?);
    }
    if settings.listings > 0 {
        report.listing = Some(listing::measure(settings.listings, &gateway).await?);
    }
    crew.disband().await;
    Ok(report)
}

/// The gateway, as far as a load needs it.
struct Gateway {
    client: Client,
    url: String,
    patience: Duration,
}

impl Gateway {
    fn new(settings: &LoadSettings) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(Duration::from_secs(30)).no_proxy().build()?;
        Ok(Self {
            client,
            url: settings.gateway_url.trim_end_matches('/').to_owned(),
            patience: settings.patience,
        })
    }

    /// The answer to a GET below the prefix; `None` when it is not 200.
    async fn get(&self, path: &str) -> anyhow::Result<Option<Value>> {
        let answer = self.client.get(format!("{}/api/v1{path}", self.url)).send().await?;
        if answer.status() == 200 { Ok(Some(answer.json().await?)) } else { Ok(None) }
    }

    /// Waits until the answer to a GET is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let waiting = async {
            while !self.get(path).await?.is_some_and(|answer| wanted(&answer)) {
                tokio::time::sleep(POLL).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(self.patience, waiting)
            .await
            .with_context(|| format!("GET {path} does not become as it should"))?
    }
}

//! How long it takes to list all agents.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::Gateway;

/// Times of lists of all agents.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Agents on the last list.
    pub agents: usize,
    /// Half of the lists took at most this.
    pub p50: Duration,
    /// 95 of 100 lists took at most this.
    pub p95: Duration,
}

impl fmt::Display for Listing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        write!(
            formatter,
            "{} agents; p50 {:.1} ms, p95 {:.1} ms",
            self.agents,
            milliseconds(self.p50),
            milliseconds(self.p95)
        )
    }
}

pub(super) async fn measure(listings: u32, gateway: &Gateway) -> anyhow::Result<Listing> {
    let mut times = Vec::new();
    let mut agents = 0;
    for _ in 0..listings.max(1) {
        let began = Instant::now();
        let answer = gateway.client.get(format!("{}/api/v1/agents", gateway.url)).send().await?;
        let body = answer.error_for_status()?.bytes().await?;
        times.push(began.elapsed());
        agents = serde_json::from_slice::<Vec<Value>>(&body)?.len();
    }
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1)).copied();
    Ok(Listing { agents, p50: at(50).context("no times")?, p95: at(95).context("no times")? })
}

//! Agents: notices those that fell silent, and forgets those that stay silent.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use service_runtime::database::StoreError;

use super::schedule::{Pass, Reconciler};
use crate::agents::AgentRegistry;
use crate::agents::silence::{self, is_anybody_missed, look_after_silent_agents};
use crate::agents::store;

/// Most agents forgotten in one transaction.
const FORGOTTEN: i64 = 1000;

/// Whether heartbeats can be heard at all.
pub struct Hearing {
    /// Whether events reach this replica.
    pub listens: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether somebody passes on what agents say. May be costly: it is only asked when an agent is missed.
    pub is_told: Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

/// Notices silence. Only who has listened for as long as an agent may be silent can tell: after a start, or when the
/// broker or the routing-engine was away, every agent seems silent at first.
pub(crate) struct Silence {
    registry: AgentRegistry,
    interval: Duration,
    hearing: Hearing,
    listening_since: Option<DateTime<Utc>>,
}

impl Silence {
    pub(crate) fn new(registry: AgentRegistry, interval: Duration, hearing: Hearing) -> Self {
        Self { registry, interval, hearing, listening_since: None }
    }

    fn has_listened_long_enough(&mut self) -> bool {
        if !(self.hearing.listens)() {
            self.listening_since = None;
            return false;
        }
        let since = *self.listening_since.get_or_insert_with(|| self.registry.service().now());
        since <= self.registry.online_since()
    }
}

#[async_trait]
impl Reconciler for Silence {
    const NAME: &'static str = "silence of agents";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        std::future::pending().await
    }

    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        if !self.has_listened_long_enough() {
            return Ok(Pass::Settled { next: None });
        }
        if !is_anybody_missed(&self.registry).await? {
            return Ok(Pass::Settled { next: None });
        }
        if !(self.hearing.is_told)().await {
            self.listening_since = None;
            return Ok(Pass::Settled { next: None });
        }
        let found = look_after_silent_agents(&self.registry).await?;
        let full = silence::BATCH.unsigned_abs() as usize;
        let more = found.silent == full || found.lost == full;
        Ok(if more { Pass::More } else { Pass::Settled { next: None } })
    }
}

/// Forgets agents.
pub(crate) struct Forgetting {
    /// What it works with.
    pub(crate) registry: AgentRegistry,
    /// How often to look.
    pub(crate) interval: Duration,
}

#[async_trait]
impl Reconciler for Forgetting {
    const NAME: &'static str = "forgotten agents";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        std::future::pending().await
    }

    async fn pass(&mut self, _everywhere: bool) -> Result<Pass, StoreError> {
        let mut conn = self.registry.service().connection().await?;
        let forgotten = store::delete_before(&mut conn, self.registry.known_since(), FORGOTTEN).await?;
        let full = forgotten == FORGOTTEN.unsigned_abs() as usize;
        Ok(if full { Pass::More } else { Pass::Settled { next: None } })
    }
}

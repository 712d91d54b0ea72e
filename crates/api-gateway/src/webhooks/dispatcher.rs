//! The reconciler that sends deliveries. Each pass claims as many as there is room for and lets them run; the pass
//! itself never waits for a receiver. What a replica held when it died is due again when its claim has run out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::TimeDelta;
use diesel_async::AsyncConnection;
use service_runtime::database::StoreError;
use tracing::{debug, warn};
use uuid::Uuid;

use super::deliveries::{self, Delivery, Room};
use super::retries::wait_after;
use super::sender::{Refusal, Sender};
use super::settings::WebhookSettings;
use super::store::{self, Failure};
use super::subscription::WebhookId;
use crate::metrics;
use crate::reconcilers::schedule::{Pass, Reconciler};
use crate::tasks::TaskService;

/// Most deliveries given up in one transaction.
const BATCH: i64 = 1000;
/// How much longer than its time limit a delivery may take before its claim runs out.
const CLAIM_MARGIN: TimeDelta = TimeDelta::seconds(30);

/// See the module.
pub(crate) struct Dispatcher {
    work: Arc<Work>,
    interval: Duration,
}

struct Work {
    service: TaskService,
    settings: WebhookSettings,
    sender: Sender,
    under_way: Mutex<HashMap<Uuid, usize>>,
}

impl Dispatcher {
    /// # Errors
    /// If the HTTP client cannot be made.
    pub(crate) fn new(
        service: TaskService,
        settings: &WebhookSettings,
        interval: Duration,
    ) -> Result<Self, reqwest::Error> {
        let sender = Sender::new(settings)?;
        let settings = settings.clone();
        Ok(Self { work: Arc::new(Work { service, settings, sender, under_way: Mutex::default() }), interval })
    }
}

#[async_trait]
impl Reconciler for Dispatcher {
    const NAME: &'static str = "webhooks";

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn called(&self) {
        self.work.service.nudges().webhooks.called().await;
    }

    async fn pass(&mut self, everywhere: bool) -> Result<Pass, StoreError> {
        self.work.service.nudges().webhooks.take();
        if everywhere {
            self.work.give_up_old().await?;
        }
        let claimed = self.work.claim().await?;
        for delivery in claimed {
            let held = Held::new(&self.work, delivery.webhook);
            let work = Arc::clone(&self.work);
            tokio::spawn(async move {
                work.deliver(delivery).await;
                drop(held);
            });
        }
        Ok(Pass::Settled { next: None })
    }
}

/// Counts a delivery as under way for as long as it lives; then there is room for another.
struct Held {
    work: Arc<Work>,
    webhook: WebhookId,
}

impl Held {
    fn new(work: &Arc<Work>, webhook: WebhookId) -> Self {
        let mut under_way = work.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        *under_way.entry(webhook.0).or_default() += 1;
        Self { work: Arc::clone(work), webhook }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut under_way = self.work.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.webhook.0) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.webhook.0);
            }
        }
        drop(under_way);
        self.work.service.nudges().webhooks.add([()]);
    }
}

impl Work {
    async fn claim(&self) -> Result<Vec<Delivery>, StoreError> {
        let (in_all, busy) = {
            let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            let in_all = self.settings.max_in_flight.saturating_sub(under_way.values().sum());
            let full =
                under_way.iter().filter(|(_, count)| **count >= self.settings.max_in_flight_per_webhook);
            (in_all, full.map(|(id, _)| *id).collect::<Vec<_>>())
        };
        if in_all == 0 {
            return Ok(Vec::new());
        }
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let room = Room {
            in_all: number(in_all),
            per_webhook: number(self.settings.max_in_flight_per_webhook),
            busy: &busy,
        };
        let now = self.service.now();
        let lost_at = now + TimeDelta::from_std(self.settings.timeout()).unwrap_or_default() + CLAIM_MARGIN;
        let mut conn = self.service.connection().await?;
        Ok(deliveries::claim_deliveries(&mut conn, &room, now, lost_at).await?)
    }

    async fn give_up_old(&self) -> Result<(), StoreError> {
        let before = self.service.now() - self.settings.give_up_after();
        let mut conn = self.service.connection().await?;
        deliveries::give_up_before(&mut conn, before, BATCH).await?;
        Ok(())
    }

    /// Sends it and writes down what became of it. If that fails, it is sent again when its claim has run out.
    async fn deliver(&self, delivery: Delivery) {
        let begin = Instant::now();
        let result = self.sender.send(&delivery, self.service.now().timestamp()).await;
        metrics::webhook_answered(result.is_ok(), begin.elapsed());
        let settled = match &result {
            Ok(()) => self.taken(&delivery).await,
            Err(refusal) => self.refused(&delivery, refusal).await,
        };
        if let Err(error) = settled {
            let error: &dyn std::error::Error = &error;
            warn!(delivery.id = %delivery.id, error, "the outcome of a delivery could not be written down");
        }
    }

    async fn taken(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let now = self.service.now();
        let mut conn = self.service.connection().await?;
        conn.transaction(async |conn| {
            deliveries::delete(conn, delivery.id).await?;
            store::mark_success(conn, delivery.webhook, now).await
        })
        .await
        .map_err(|error: diesel::result::Error| error.into())
    }

    async fn refused(&self, delivery: &Delivery, refusal: &Refusal) -> Result<(), StoreError> {
        let now = self.service.now();
        let again_at = now + wait_after(delivery.attempts, &self.settings);
        let given_up = again_at > delivery.created_at + self.settings.give_up_after();
        let error = refusal.to_string();
        let (tolerated_since, reason) = match refusal {
            Refusal::Gone => (now, error.clone()),
            Refusal::Failed(_) => {
                let seconds = self.settings.disable_after_seconds;
                (
                    now - self.settings.disable_after(),
                    format!("no delivery was taken for {seconds} seconds; the last time: {error}"),
                )
            }
        };
        let failure = Failure { error: &error, at: now, tolerated_since, reason: &reason, given_up };
        let mut conn = self.service.connection().await?;
        let disabled = conn
            .transaction::<_, diesel::result::Error, _>(async |conn| {
                if given_up {
                    deliveries::delete(conn, delivery.id).await?;
                } else {
                    deliveries::put_off(conn, delivery.id, again_at).await?;
                }
                store::mark_failure(conn, delivery.webhook, &failure).await
            })
            .await?;
        if given_up {
            metrics::webhook_given_up();
        }
        if disabled {
            warn!(webhook.id = %delivery.webhook.0, reason, "a webhook is disabled");
        }
        debug!(delivery.id = %delivery.id, attempt = delivery.attempts, error, "a delivery was not taken");
        Ok(())
    }
}

//! Where requests land, and what becomes of them: rejected, dropped, answered from memory, cancelled or worked on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::habits::{Acknowledges, CancelHabit};
use super::jobs::{Begun, Jobs};
use super::outgoing::Sender;
use super::request::{Job, Rejected, Request};
use super::results::Results;
use super::{AgentSettings, heartbeats, work};
use crate::broker::{ConnectionLost, Delivery, Handler, Outlet, Verdict};

/// How far into a job an agent dies, so that its acknowledgement has reached the broker.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// An agent's state; cheap to clone, so that a job can go on after its request is acknowledged.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) settings: Arc<AgentSettings>,
    pub(super) jobs: Arc<Jobs>,
    results: Arc<Results>,
    slots: Arc<Semaphore>,
    died: CancellationToken,
}

impl Desk {
    pub(super) fn new(settings: AgentSettings, died: CancellationToken) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(settings.concurrency.max(1).into())),
            settings: Arc::new(settings),
            jobs: Arc::default(),
            results: Arc::default(),
            died,
        }
    }

    pub(super) fn sender(&self) -> Sender {
        Sender {
            agent_type: self.settings.agent_type,
            zone_less_timestamps: self.settings.habits.zone_less_timestamps,
        }
    }

    /// Works on a job and answers. `Err` means that the answer did not get through, or will never come.
    async fn work(&self, request: &Request, job: &Job, outlet: &Outlet) -> Result<(), ConnectionLost> {
        let Begun { number, cancelled } = self.jobs.begin(job.task_id);
        if self.settings.habits.dies_in_job == Some(number) {
            tokio::time::sleep(LAST_WORDS).await;
            tracing::warn!(task.id = %job.task_id, "dying in the middle of a job");
            self.slots.close();
            self.died.cancel();
            return Err(ConnectionLost);
        }
        let ended = work::perform(self, request, job, &cancelled, outlet).await;
        self.jobs.end(number);
        let payload = ended.payload(self, request, job);
        if self.settings.habits.remembers_results {
            self.results.keep(request.request_id, payload.clone(), Instant::now());
        }
        for _ in 0..self.settings.habits.answers {
            self.answer(request, &payload, outlet).await?;
        }
        Ok(())
    }

    async fn answer(
        &self,
        request: &Request,
        payload: &Value,
        outlet: &Outlet,
    ) -> Result<(), ConnectionLost> {
        let message = self.sender().answer("work_result", request, payload);
        outlet.publish_as(message, self.settings.habits.persistent_replies).await
    }

    /// Whether the job was a cancellation that is dealt with by that.
    fn cancelled_by(&self, job: &Job) -> bool {
        let named = || Uuid::parse_str(job.parameters.get("task_id")?.as_str()?).ok();
        match (job.work_type.as_str(), self.settings.habits.cancel) {
            ("cancel", CancelHabit::Ignores) => true,
            ("cancel", CancelHabit::Obeys) => {
                if let Some(task_id) = named() {
                    self.jobs.cancel(task_id);
                }
                true
            }
            _ => false,
        }
    }

    async fn take(&self, request: Request, job: Job, slot: OwnedSemaphorePermit, outlet: &Outlet) -> Verdict {
        let remembered = self.results.find(request.request_id, Instant::now());
        if let Some(payload) = remembered {
            // The first answer, word for word, but for the trace.
            let mut payload = payload;
            if let Some(payload) = payload.as_object_mut() {
                payload.insert("trace_id".to_owned(), request.trace_id.to_string().into());
            }
            return verdict(self.answer(&request, &payload, outlet).await);
        }
        match self.settings.habits.acknowledges {
            Acknowledges::AfterWork => verdict(self.work(&request, &job, outlet).await),
            Acknowledges::BeforeWork => {
                let (desk, outlet) = (self.clone(), outlet.clone());
                tokio::spawn(async move {
                    let _slot = slot;
                    if desk.work(&request, &job, &outlet).await.is_err() {
                        tracing::warn!(task.id = %job.task_id, "a result was lost");
                    }
                });
                Verdict::Done
            }
        }
    }
}

#[async_trait::async_trait]
impl Handler for Desk {
    async fn handle(&self, delivery: Delivery, outlet: &Outlet) -> Verdict {
        let request = match Request::read(&delivery.body) {
            Ok(request) => request,
            Err(Rejected(rule)) => {
                tracing::warn!(rule, "request rejected");
                return Verdict::Refused;
            }
        };
        let Some(job) = request.job.clone() else { return Verdict::Done };
        let announced = delivery.routing_key.is_empty();
        if self.cancelled_by(&job) || announced {
            return Verdict::Done;
        }
        // Holds the request until there is time for it, as one that is fetched ahead.
        match Arc::clone(&self.slots).acquire_owned().await {
            Ok(slot) => self.take(request, job, slot, outlet).await,
            Err(_) => Verdict::Again,
        }
    }

    async fn attend(&self, outlet: &Outlet) {
        heartbeats::send(self, outlet).await;
    }
}

fn verdict(answered: Result<(), ConnectionLost>) -> Verdict {
    match answered {
        Ok(()) => Verdict::Done,
        Err(ConnectionLost) => Verdict::Again,
    }
}

//! One attempt at one task, from `task.started` to the output or the failure.

use std::time::Duration;

use chrono::{DateTime, Utc};
use protocol::Event;
use protocol::events::{
    EventData, Failure, FeedbackSource, Output, TaskFailed, TaskOutputCreated, TaskProgress, TaskReady,
    TaskStarted,
};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::WorkerSettings;
use super::artifact::Product;
use super::cancellations::Cancellations;
use super::script::Script;
use crate::broker::{ConnectionLost, Outlet, Verdict};

const SOURCE: &str = "/stand-ins/worker";

/// Does the work that `cause` brought and says what becomes of the delivery.
pub(super) async fn perform(
    settings: &WorkerSettings,
    cancellations: &Cancellations,
    cause: &Event,
    ready: &TaskReady,
    traceparent: Option<String>,
    outlet: &Outlet,
) -> Verdict {
    let cancelled = cancellations.watch(ready.task_id, ready.attempt);
    let job = Job { settings, cause, ready, traceparent, outlet, script: Script::of(&ready.description) };
    let verdict = match job.run(&cancelled).await {
        Ok(()) => Verdict::Done,
        Err(ConnectionLost) => Verdict::Again,
    };
    cancellations.forget(ready.task_id, ready.attempt);
    verdict
}

struct Job<'a> {
    settings: &'a WorkerSettings,
    cause: &'a Event,
    ready: &'a TaskReady,
    traceparent: Option<String>,
    outlet: &'a Outlet,
    script: Script,
}

impl Job<'_> {
    async fn run(&self, cancelled: &CancellationToken) -> Result<(), ConnectionLost> {
        let (task_id, attempt) = (self.ready.task_id, self.ready.attempt);
        if cancelled.is_cancelled() || self.script.silent {
            tracing::info!(task.id = %task_id, attempt, "not worked on: cancelled, or told to stay silent");
            return Ok(());
        }
        let started_at = Utc::now();
        self.tell("", self.started()).await?;
        if !self.toil(cancelled).await? {
            tracing::info!(task.id = %task_id, attempt, "stopped: the task was cancelled");
            return Ok(());
        }
        match self.failure() {
            Some(failure) => self.tell("", self.failed(failure)).await,
            None => self.hand_in(started_at).await,
        }
    }

    /// Spends the time of the work, telling how far it is. False when it was cancelled on the way.
    async fn toil(&self, cancelled: &CancellationToken) -> Result<bool, ConnectionLost> {
        let steps = self.settings.progress_steps + 1;
        let pace = self.script.duration.unwrap_or(self.settings.duration) / steps;
        for step in 1..=steps {
            tokio::select! {
                () = cancelled.cancelled() => return Ok(false),
                () = tokio::time::sleep(pace) => {}
            }
            if step < steps {
                self.tell(&format!("/{step}"), self.progress(step, steps)).await?;
            }
        }
        Ok(!cancelled.is_cancelled())
    }

    async fn hand_in(&self, started_at: DateTime<Utc>) -> Result<(), ConnectionLost> {
        let ready = self.ready;
        let feedback: Vec<String> = ready.feedback.iter().map(|item| item.message.clone()).collect();
        let told_by_qa = ready.feedback.iter().any(|item| item.source == FeedbackSource::Qa);
        let complete = !self.script.incomplete_always && (told_by_qa || !self.script.incomplete_once);
        let made = Product::make(
            ready.task_id,
            ready.attempt,
            &ready.description,
            &ready.domain,
            &feedback,
            complete,
        );
        let product = match made {
            Ok(product) => product,
            Err(error) => {
                return self
                    .tell("", self.failed(Failure::new("NO_ARTIFACT", error.to_string(), false)))
                    .await;
            }
        };
        if let Err(error) = self.keep(&product).await {
            let failure = Failure::new("DISK", format!("cannot write the artifact: {error}"), true);
            return self.tell("", self.failed(failure)).await;
        }
        self.tell("", self.output(product, started_at)).await
    }

    async fn keep(&self, product: &Product) -> std::io::Result<()> {
        let (Some(folder), Some(path)) = (&self.settings.output_dir, &product.artifact.path) else {
            return Ok(());
        };
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            tokio::fs::create_dir_all(parent).await?;
        }
        tokio::fs::write(file, &product.content).await
    }

    /// The failure that the script or chance demands.
    fn failure(&self) -> Option<Failure> {
        let script = &self.script;
        if script.fails_for_good {
            return Some(Failure::new("IMPOSSIBLE", "the task cannot be done as described", false));
        }
        let by_script = script.fails_always || (script.fails_once && self.ready.attempt == 1);
        (by_script || self.unlucky())
            .then(|| Failure::new("MODEL_ERROR", "the model gave no usable answer", true))
    }

    fn unlucky(&self) -> bool {
        let lot = format!("{}/{}/{}", self.settings.seed, self.ready.task_id, self.ready.attempt);
        let digest = Sha256::digest(lot.as_bytes());
        let drawn = digest.iter().take(4).fold(0_u32, |value, byte| (value << 8) | u32::from(*byte));
        f64::from(drawn) / f64::from(u32::MAX) < self.settings.failure_rate
    }

    fn worker_id(&self) -> Option<String> {
        Some(self.settings.worker_id.clone())
    }

    fn started(&self) -> TaskStarted {
        TaskStarted {
            task_id: self.ready.task_id,
            attempt: Some(self.ready.attempt),
            worker_id: self.worker_id(),
            agent_id: None,
            request_id: None,
            message: None,
        }
    }

    fn progress(&self, step: u32, steps: u32) -> TaskProgress {
        TaskProgress {
            task_id: self.ready.task_id,
            attempt: Some(self.ready.attempt),
            worker_id: self.worker_id(),
            agent_id: None,
            request_id: None,
            percent: Some(f64::from(step * 100 / steps)),
            message: Some(format!("step {step} of {steps} done")),
        }
    }

    fn failed(&self, error: Failure) -> TaskFailed {
        TaskFailed {
            task_id: self.ready.task_id,
            attempt: Some(self.ready.attempt),
            error,
            worker_id: self.worker_id(),
            agent_id: None,
            request_id: None,
            exit_code: None,
            output: None,
            duration_ms: None,
            analysis_result: None,
        }
    }

    fn output(&self, product: Product, started_at: DateTime<Utc>) -> TaskOutputCreated {
        let ready = self.ready;
        let read = ready.description.len() + ready.context.text.len();
        let spent = (Utc::now() - started_at).to_std().unwrap_or(Duration::ZERO);
        TaskOutputCreated {
            task_id: ready.task_id,
            artifact_id: product.artifact.artifact_id.clone(),
            attempt: Some(ready.attempt),
            project_id: Some(ready.project_id.clone()),
            tier: Some(ready.tier.clone()),
            domain: Some(ready.domain.clone()),
            inputs_consumed: ready.inputs.clone(),
            worker_id: self.worker_id(),
            model_used: ready.model_candidates.first().cloned(),
            tokens_input: Some(tokens(read)),
            tokens_output: Some(tokens(product.content.len())),
            execution_time_ms: u64::try_from(spent.as_millis()).ok(),
            confidence: Some(0.9),
            started_at: Some(started_at.into()),
            output: Output { content: Some(product.content), artifacts: vec![product.artifact] },
        }
    }

    /// Publishes an event whose id a redelivered task gives again; `part` keeps several of one kind apart.
    async fn tell(&self, part: &str, data: impl Into<EventData>) -> Result<(), ConnectionLost> {
        let event = Event::following(self.cause, part, SOURCE, Utc::now(), data);
        match event.to_wire(self.traceparent.clone()) {
            Ok(message) => self.outlet.publish(message).await,
            Err(error) => {
                tracing::error!(%error, "an event cannot be written as JSON");
                Ok(())
            }
        }
    }
}

/// About four bytes make a token.
fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes / 4 + 1).unwrap_or(u64::MAX)
}

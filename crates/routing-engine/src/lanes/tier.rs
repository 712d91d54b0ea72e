//! From a described task to the one event that answers it: `task.ready.<tier>`, `task.decomposed` or
//! `task.routing.failed`. Everything outside may fail on the way; an answer always comes out.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use protocol::events::{Routing, TaskCreated, TaskDecomposed, TaskReady};
use protocol::{EventData, ProvenanceId};
use service_runtime::clock::Clock;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::info;

use super::{refuse, withhold};
use crate::analysis::Analyst;
use crate::context::ContextService;
use crate::decision::{self, Assessment, Decision, TaskView, TierTable};
use crate::measurements;

/// Its description, feedback, constitution and inputs are more than any tier it may go to can hold.
const CONTEXT_TOO_LARGE: &str = "CONTEXT_TOO_LARGE";

/// What bounds the analysis by an Agent Service.
#[derive(Debug, Clone, Copy)]
pub struct LaneLimits {
    /// Tasks that may be analysed by the Agent Service at the same time.
    pub concurrency: usize,
    /// Longest time that one task waits for its analysis.
    pub analysis: Duration,
}

/// The lane to the workers.
pub struct TierLane {
    analyst: Analyst,
    context: Option<ContextService>,
    tiers: TierTable,
    clock: Arc<dyn Clock>,
    slots: Semaphore,
    limits: LaneLimits,
}

impl TierLane {
    /// A lane over the given tiers.
    #[must_use]
    pub fn new(
        analyst: Analyst,
        context: Option<ContextService>,
        tiers: TierTable,
        clock: Arc<dyn Clock>,
        limits: LaneLimits,
    ) -> Self {
        Self { analyst, context, tiers, clock, slots: Semaphore::new(limits.concurrency), limits }
    }

    /// Decides where the task goes.
    pub async fn route(&self, task: &TaskCreated) -> EventData {
        let slot = self.slot_for_analysis(task).await;
        let assessment = self.analyst.assess(task, &self.tiers, self.patience(task)).await;
        let assessment = match self.split(task, assessment).await {
            Ok(plan) => return plan,
            Err(whole) => whole,
        };
        drop(slot);
        match decision::decide(&self.view(task), assessment, &self.tiers) {
            Ok(decision) if task.paused_tiers.contains(&decision.tier) => {
                info!(task.id = %task.task_id, tier = %decision.tier, "A task is withheld: its tier is paused");
                withhold(task, decision.tier)
            }
            Ok(decision) => self.hand_to_workers(task, decision).await,
            Err(too_large) => refuse(task, CONTEXT_TOO_LARGE, too_large.to_string()),
        }
    }

    /// Bounds how many tasks are analysed outside at once. What asks nobody passes those that wait.
    async fn slot_for_analysis(&self, task: &TaskCreated) -> Option<SemaphorePermit<'_>> {
        let asks_outside = self.analyst.asks_outside(task, &self.tiers);
        if asks_outside { self.slots.acquire().await.ok() } else { None }
    }

    /// How long the analysis of this task may take: never more than a quarter of the time that is left for the
    /// whole attempt, since the work itself is still to be done.
    fn patience(&self, task: &TaskCreated) -> Duration {
        let left = task.deadline_at.map(|deadline| time_until(deadline.to_utc(), self.clock.now()));
        left.map_or(self.limits.analysis, |left| (left / 4).min(self.limits.analysis))
    }

    fn view<'a>(&self, task: &'a TaskCreated) -> TaskView<'a> {
        let tokens = self.analyst.rules().tokens();
        let feedback = task.feedback.iter().map(|item| {
            let issues: u64 = item.issues.iter().map(|issue| tokens.count(&issue.to_string())).sum();
            tokens.count(&item.message).saturating_add(issues)
        });
        let constitution = task.constitution.as_ref().map_or(0, |rules| {
            // Written out as the worker will get it.
            serde_json::to_string(rules).map_or(0, |text| tokens.count(&text))
        });
        TaskView {
            options: &task.options,
            minimum_tier: task.minimum_tier.as_ref(),
            description_tokens: tokens.count(&task.description),
            carried_tokens: feedback
                .chain([constitution, tokens.inputs(task.inputs.len())])
                .fold(0, u64::saturating_add),
        }
    }

    /// The plan, if the task allows one and the analysis advises it; else the assessment, with the reason why there
    /// is none. A part of another task allows it where the plan said that it is not atomic.
    async fn split(&self, task: &TaskCreated, mut assessment: Assessment) -> Result<EventData, Assessment> {
        if !task.options.decompose {
            return Err(assessment);
        }
        if !assessment.needs_decomposition {
            assessment.reasons.push("not split: the analysis finds no parts in it".to_owned());
            return Err(assessment);
        }
        let outcome = self.analyst.split(task, self.patience(task)).await;
        assessment.reasons.extend(outcome.reasons);
        assessment.fallback |= outcome.fallback;
        if outcome.parts.is_empty() {
            return Err(assessment);
        }
        measurements::split(outcome.analyzer);
        let mut subtasks = outcome.parts;
        for part in &mut subtasks {
            // What the submitter pinned holds for the parts as well.
            part.domain = part.domain.take().or_else(|| task.options.domain.clone());
            part.tier = part.tier.take().or_else(|| task.options.tier.clone());
        }
        info!(task.id = %task.task_id, parts = subtasks.len(), "A task is split");
        let routing = Routing {
            analyzer: outcome.analyzer,
            reasons: assessment.reasons,
            confidence: assessment.confidence,
            estimated_tokens: assessment.estimated_tokens,
            fallback: assessment.fallback,
        };
        Ok(TaskDecomposed { task_id: task.task_id, attempt: task.attempt, subtasks, routing: Some(routing) }
            .into())
    }

    async fn hand_to_workers(&self, task: &TaskCreated, decision: Decision) -> EventData {
        let decision = self.add_context(task, decision).await;
        measurements::decided(decision.tier.as_str(), &decision.domain, decision.analyzer);
        info!(
            task.id = %task.task_id, attempt = task.attempt, tier = %decision.tier, domain = %decision.domain,
            fallback = decision.fallback, "A task attempt goes to its workers"
        );
        TaskReady {
            task_id: task.task_id,
            project_id: task.project_id.clone(),
            routing: decision.routing(),
            domain: decision.domain,
            tier: decision.tier,
            context: decision.context,
            description: task.description.clone(),
            attempt: task.attempt,
            mode: decision.mode,
            qa_profile: decision.qa_profile,
            model_candidates: decision.model_candidates,
            inputs: task.inputs.clone(),
            feedback: task.feedback.clone(),
            constitution: task.constitution.clone(),
            deadline_at: task.deadline_at,
            priority: task.priority,
            provenance_id: ProvenanceId::of_attempt(task.task_id, task.attempt),
        }
        .into()
    }

    async fn add_context(&self, task: &TaskCreated, mut decision: Decision) -> Decision {
        let Some(service) = &self.context else { return decision };
        let room = decision.context_room(&self.tiers);
        let Some(budget) = service.budget(room) else {
            decision.reasons.push(format!("no context asked for: the tier has only {room} tokens left"));
            return decision;
        };
        match service.find(task, &decision.domain, budget, self.analyst.rules().tokens()).await {
            Ok(context) => decision.with_context(context, &self.tiers),
            Err(error) => {
                measurements::fell_back("context");
                decision.note_fallback(format!("no context: the RAG service did not help ({error})"));
                decision
            }
        }
    }
}

fn time_until(deadline: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (deadline - now).to_std().unwrap_or_default()
}

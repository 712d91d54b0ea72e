//! Finding out what a task is about: the Agent Service where one is configured and answers, the rules otherwise.
//! Rule kept here: an assessment always comes out, and it says who made it and what had to be replaced.

pub mod agent_service;
mod overlay;
pub mod rules;

use std::time::Duration;

use protocol::TaskId;
use protocol::events::{Analyzer, Subtask, TaskCreated};
use tracing::warn;

use crate::decision::{Assessment, TierTable, parts_of};
use crate::measurements;
use agent_service::AgentService;
use rules::Rules;

/// Whoever assesses tasks, and splits them.
pub struct Analyst {
    rules: Rules,
    agent_service: Option<AgentService>,
}

impl Analyst {
    /// With or without an Agent Service.
    #[must_use]
    pub const fn new(rules: Rules, agent_service: Option<AgentService>) -> Self {
        Self { rules, agent_service }
    }

    /// The rules in force.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether anybody outside is asked about `task`.
    #[must_use]
    pub fn asks_outside(&self, task: &TaskCreated, tiers: &TierTable) -> bool {
        self.agent_service.is_some() && !is_pinned(task, tiers)
    }

    /// What `task` is about. The Agent Service gets at most `patience` for all of its answers together.
    pub async fn assess(&self, task: &TaskCreated, tiers: &TierTable, patience: Duration) -> Assessment {
        let mut by_rules = self.rules.assess(&task.description, task.options.domain.as_ref());
        if is_pinned(task, tiers) {
            by_rules.analyzer = Analyzer::Pinned;
            by_rules.confidence = None;
            return by_rules;
        }
        let Some(service) = &self.agent_service else {
            by_rules.reasons.insert(0, "no Agent Service is configured; the rules decide".to_owned());
            return by_rules;
        };
        let started = std::time::Instant::now();
        let asked = tokio::time::timeout(patience, service.assess(task)).await;
        measurements::analysis_took(started.elapsed());
        match asked {
            Ok(Ok(answers)) => overlay::combine(by_rules, answers, &self.rules, tiers),
            Ok(Err(error)) => without_service(by_rules, task.task_id, &error.to_string()),
            Err(_) => {
                let reason = format!("no answer within {} s", patience.as_secs_f32());
                without_service(by_rules, task.task_id, &reason)
            }
        }
    }

    /// The parts of a task that is to be split, with the reason; `None` if it cannot be.
    pub async fn split(&self, task: &TaskCreated, patience: Duration) -> SplitOutcome {
        let mut reasons = Vec::new();
        let mut fallback = false;
        if let Some(service) = &self.agent_service {
            match tokio::time::timeout(patience, service.decompose(task)).await {
                Ok(Ok(parts)) if parts.len() > 1 => {
                    reasons.push(format!("split into {} parts by the Agent Service", parts.len()));
                    return SplitOutcome { parts, analyzer: Analyzer::AgentService, reasons, fallback };
                }
                Ok(Ok(_)) => {
                    reasons.push("the Agent Service found nothing to split".to_owned());
                    return SplitOutcome {
                        parts: Vec::new(),
                        analyzer: Analyzer::AgentService,
                        reasons,
                        fallback,
                    };
                }
                Ok(Err(error)) => reasons.push(format!("the Agent Service did not split it: {error}")),
                Err(_) => reasons.push("the Agent Service did not split it in time".to_owned()),
            }
            measurements::fell_back("decompose");
            fallback = true;
        }
        let parts = parts_of(&task.description);
        let parts = if self.rules.accepts_parts(parts.len()) {
            reasons.push(format!("split into {} parts along the list in the description", parts.len()));
            parts
        } else {
            reasons.push(format!("not split: the description lists {} parts", parts.len()));
            Vec::new()
        };
        SplitOutcome { parts, analyzer: Analyzer::Rules, reasons, fallback }
    }
}

/// What came of splitting a task.
#[derive(Debug)]
pub struct SplitOutcome {
    /// The parts; empty if the task stays whole.
    pub parts: Vec<Subtask>,
    /// Who decided.
    pub analyzer: Analyzer,
    /// In words.
    pub reasons: Vec<String>,
    /// Whether the rules stood in for the Agent Service.
    pub fallback: bool,
}

/// Nothing is left to find out when domain and tier are both given, and both exist.
fn is_pinned(task: &TaskCreated, tiers: &TierTable) -> bool {
    task.options.domain.is_some() && task.options.tier.as_ref().is_some_and(|tier| tiers.get(tier).is_some())
}

fn without_service(mut by_rules: Assessment, task_id: TaskId, reason: &str) -> Assessment {
    warn!(task.id = %task_id, reason, "The Agent Service did not analyse a task, the rules decide");
    measurements::fell_back("analyze");
    by_rules.fallback = true;
    by_rules.reasons.insert(0, format!("the Agent Service did not answer ({reason}); the rules decide"));
    by_rules
}

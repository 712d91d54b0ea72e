//! Client of the Agent Service: `/analyze`, `/estimate` and `/decompose` of contract section 4.

mod answers;

pub use answers::{AnalysisAnswer, EstimateAnswer};

use protocol::events::{Subtask, TaskCreated};
use protocol::{ProjectId, TaskId};
use serde::Serialize;

use crate::outbound::{Outbound, OutboundError};

/// Levels of subtasks that we ask for at once; a part that is not atomic is asked about when its turn comes.
const MAX_DEPTH: u32 = 1;

/// What the service said about one task.
#[derive(Debug)]
pub struct Answers {
    /// What the task is.
    pub analysis: AnalysisAnswer,
    /// How much work it is; without it the rules estimate.
    pub estimate: Result<EstimateAnswer, OutboundError>,
}

/// The service behind its breaker.
pub struct AgentService {
    outbound: Outbound,
}

#[derive(Serialize)]
struct AnalyzeRequest<'a> {
    request: &'a str,
    project_id: &'a ProjectId,
}

#[derive(Serialize)]
struct EstimateRequest<'a> {
    task_id: TaskId,
    description: &'a str,
    domain: &'a str,
}

#[derive(Serialize)]
struct DecomposeRequest<'a> {
    task_id: TaskId,
    description: &'a str,
    max_depth: u32,
}

impl AgentService {
    /// The service that `outbound` leads to.
    #[must_use]
    pub const fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    /// Asks what the task is and then how much work it is.
    ///
    /// # Errors
    /// If the analysis did not come, or is nothing that can be used; the estimate is not asked for then.
    pub async fn assess(&self, task: &TaskCreated) -> Result<Answers, OutboundError> {
        let request = AnalyzeRequest { request: &task.description, project_id: &task.project_id };
        let analysis = AnalysisAnswer::read(&self.outbound.post("analyze", &request).await?)
            .ok_or(OutboundError::Unreadable)?;
        let domain = match &task.options.domain {
            Some(pinned) => pinned.as_str(),
            None => analysis.domain.as_deref().unwrap_or("code-general"),
        };
        let estimate = self.estimate(task, domain).await;
        Ok(Answers { analysis, estimate })
    }

    async fn estimate(&self, task: &TaskCreated, domain: &str) -> Result<EstimateAnswer, OutboundError> {
        let request = EstimateRequest { task_id: task.task_id, description: &task.description, domain };
        let answer = self.outbound.post("estimate", &request).await?;
        EstimateAnswer::read(&answer).ok_or(OutboundError::Unreadable)
    }

    /// Asks for a plan of subtasks. The plan is given as it came: whether it is sound is judged by the gateway.
    ///
    /// # Errors
    /// If no plan came, or is nothing that can be used.
    pub async fn decompose(&self, task: &TaskCreated) -> Result<Vec<Subtask>, OutboundError> {
        let request =
            DecomposeRequest { task_id: task.task_id, description: &task.description, max_depth: MAX_DEPTH };
        let answer = self.outbound.post("decompose", &request).await?;
        answers::read_plan(&answer).ok_or(OutboundError::Unreadable)
    }
}

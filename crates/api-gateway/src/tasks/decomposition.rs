//! Splitting a task into subtasks: the plan is checked as a whole, then the subtasks are stored together with the
//! change of their parent. They are tasks like any other, with the parent's project, trace and urgency.

pub mod plan;

use diesel::QueryResult;
use protocol::events::{Artifact, Failure, JsonObject, TaskDecomposed, TaskOptions};
use protocol::{RequestId, TaskId};

use super::changes::{Cause, ChangeSet, Decision, Start};
use super::inheritance::with_inherited;
use super::lifecycle::Input;
use super::task::{Submission, Task};
use plan::{PlanLimits, Step};

/// What a task that is split has above it and before it.
#[derive(Debug, Default)]
pub(crate) struct Ancestry {
    /// How many levels it lies below a submitted task.
    pub(crate) depth: u32,
    /// What the tasks produced that it depends on. It is for its subtasks, which do the work.
    pub(crate) inherited: Vec<Artifact>,
}

/// Lets a plan happen to a task.
pub(crate) fn apply_plan(
    changes: &mut ChangeSet<'_>,
    plan: &TaskDecomposed,
    ancestry: &Ancestry,
    limits: PlanLimits,
    cause: &Cause,
) -> QueryResult<Decision> {
    let attempt = plan.attempt;
    let steps = match plan::order(&plan.subtasks, ancestry.depth, limits) {
        Ok(steps) => steps,
        Err(error) => {
            let failure = Failure::new("INVALID_PLAN", error.to_string(), false);
            return changes.apply(plan.task_id, &Input::RoutingFailed { attempt, failure }, cause);
        }
    };
    let subtasks = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let routing = plan.routing.clone().map(Box::new);
    let decision = changes.apply(plan.task_id, &Input::Decomposed { attempt, subtasks, routing }, cause)?;
    let (Decision::Applied, Some(parent)) = (&decision, changes.task(plan.task_id)) else {
        return Ok(decision);
    };
    let submissions =
        submissions(parent, steps, &with_inherited(&parent.submission.inputs, &ancestry.inherited));
    for submission in submissions {
        let by = submission.depends_on.clone();
        let start = if by.is_empty() { Start::Waiting } else { Start::Blocked { by } };
        changes.create(submission, &start, cause)?;
    }
    Ok(decision)
}

/// The steps as tasks. Each is named before it is built on, because a step only builds on earlier ones.
fn submissions(parent: &Task, steps: Vec<Step>, inputs: &[protocol::events::Input]) -> Vec<Submission> {
    let ids: Vec<TaskId> = steps.iter().map(|_| TaskId::generate()).collect();
    let steps = ids.iter().zip(steps);
    steps
        .map(|(&id, step)| {
            let depends_on = step.builds_on.iter().filter_map(|&index| ids.get(index).copied()).collect();
            Submission { depends_on, inputs: inputs.to_vec(), ..submission(parent, id, step) }
        })
        .collect()
}

/// A subtask. It is as old as its parent's decomposed phase, which tells the subtasks of different attempts apart.
fn submission(parent: &Task, id: TaskId, step: Step) -> Submission {
    let asked = &parent.submission;
    Submission {
        id,
        project_id: asked.project_id.clone(),
        description: step.subtask.description,
        priority: asked.priority,
        execution_mode: asked.execution_mode,
        options: TaskOptions {
            decompose: !step.subtask.is_atomic,
            domain: step.subtask.domain,
            tier: step.subtask.tier,
            ..asked.options.clone()
        },
        inputs: Vec::new(),
        depends_on: Vec::new(),
        not_before: None,
        metadata: JsonObject::new(),
        constitution: asked.constitution.clone(),
        parent_id: Some(asked.id),
        work_type: None,
        parameters: None,
        trace_id: asked.trace_id,
        request_id: RequestId::generate(),
        created_at: parent.phase_since,
    }
}

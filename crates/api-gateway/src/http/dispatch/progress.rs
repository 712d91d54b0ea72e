//! How far a task is, as a sentence for people.

use protocol::vocabulary::{Phase, TaskStatus};

use crate::tasks::task::{Task, WaitingReason};

/// The sentence. It says more than the status does, and names the attempt once there is more than one.
pub(super) fn sentence(task: &Task) -> String {
    let mut sentence = place(task);
    if let (Phase::Executing, Some(percent)) = (task.phase, task.work.percent) {
        sentence.push_str(&format!(" ({percent:.0}%)"));
    }
    if task.attempt > 1 {
        sentence.push_str(&format!(" (attempt {} of {})", task.attempt, task.max_attempts));
    }
    sentence
}

fn place(task: &Task) -> String {
    let by_lane = |agent: &str, worker: &str| {
        if task.is_for_agent() { agent.to_owned() } else { worker.to_owned() }
    };
    match task.phase {
        Phase::Submitted => waiting(task),
        Phase::Blocked => "Waiting for the tasks it depends on".to_owned(),
        Phase::Routing => by_lane("On its way to the agents", "Looking for the right worker"),
        Phase::Ready => by_lane("Waiting for an agent", "Waiting for a worker"),
        Phase::Executing => task.work.message.clone().unwrap_or_else(|| "In progress".to_owned()),
        Phase::Validating => "The output is being judged".to_owned(),
        Phase::InReview => "Waiting for a person's review".to_owned(),
        Phase::Decomposed => {
            format!("{} of {} subtasks completed", task.subtasks.completed, task.subtasks.total)
        }
        Phase::Done => match task.status {
            TaskStatus::Failed => "Failed".to_owned(),
            TaskStatus::Cancelled => "Cancelled".to_owned(),
            TaskStatus::Completed | TaskStatus::Pending | TaskStatus::Running => "Completed".to_owned(),
        },
    }
}

fn waiting(task: &Task) -> String {
    let Some(waiting) = &task.waiting else { return "Waiting".to_owned() };
    match (waiting.reason, &waiting.detail) {
        (WaitingReason::Slot, _) => "Waiting until fewer tasks of its project are under way".to_owned(),
        (WaitingReason::Backoff, _) if task.attempt > 1 => "Waiting to be tried again".to_owned(),
        (_, Some(detail)) => format!("Waiting: {detail}"),
        (WaitingReason::Backoff, None) => "Waiting for its time".to_owned(),
        (WaitingReason::Dependency, None) => "Waiting for the tasks it depends on".to_owned(),
        (WaitingReason::Review, None) => "Waiting for a person's review".to_owned(),
        (WaitingReason::TaintedInput, None) => "Waiting for an input that can be trusted".to_owned(),
        (WaitingReason::Pause, None) => "Paused".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::vocabulary::Priority;
    use protocol::{ProjectId, TaskId, TraceId};
    use service_runtime::clock::{Clock, SystemClock};

    use super::*;
    use crate::tasks::dispatch::NewDispatch;
    use crate::tasks::lifecycle::Rules;
    use crate::tasks::task::Waiting;

    fn task(change: impl FnOnce(&mut Task)) -> Task {
        let dispatch = NewDispatch {
            task_id: TaskId::generate(),
            work_type: "echo".to_owned(),
            parameters: serde_json::Map::new(),
            priority: Priority::Normal,
            project_id: ProjectId::default(),
            timeout_seconds: None,
            max_attempts: None,
            trace_id: TraceId::generate(),
        };
        let submission = dispatch.into_submission(SystemClock.now());
        let mut task = Task::submitted(submission, &Rules::default(), false);
        change(&mut task);
        task
    }

    fn in_phase(phase: Phase) -> Task {
        task(|task| task.phase = phase)
    }

    #[test]
    fn progress_is_a_sentence_in_every_phase() {
        let working = |message: Option<&str>, percent| {
            task(|task| {
                task.phase = Phase::Executing;
                task.work.message = message.map(ToOwned::to_owned);
                task.work.percent = percent;
            })
        };
        let again = task(|task| {
            task.attempt = 2;
            task.waiting = Some(Waiting::because(WaitingReason::Backoff, "attempt 2 not before noon"));
        });
        for (task, expected) in [
            (task(|_| ()), "Waiting until fewer tasks of its project are under way"),
            (again, "Waiting to be tried again (attempt 2 of 3)"),
            (in_phase(Phase::Routing), "On its way to the agents"),
            (in_phase(Phase::Ready), "Waiting for an agent"),
            (working(None, None), "In progress"),
            (working(None, Some(12.4)), "In progress (12%)"),
            (working(Some("Step 2: Install"), Some(40.0)), "Step 2: Install (40%)"),
            (in_phase(Phase::InReview), "Waiting for a person's review"),
            (task(|task| (task.phase, task.status) = (Phase::Done, TaskStatus::Failed)), "Failed"),
            (task(|task| (task.phase, task.status) = (Phase::Done, TaskStatus::Completed)), "Completed"),
        ] {
            assert_eq!(sentence(&task), expected);
        }
    }

    #[test]
    fn tasks_for_workers_are_told_in_their_own_words() {
        let mut task = in_phase(Phase::Ready);
        task.submission.work_type = None;
        assert_eq!(sentence(&task), "Waiting for a worker");
    }
}

//! Work for agents: handed in once or many times, answered once, twice, late or never.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use protocol::events::{EventData, JsonObject};
use protocol::vocabulary::{AgentType, Phase, Priority, TaskStatus};
use protocol::{Event, ProjectId, RequestId, TaskId, TraceId};
use serde_json::json;

use super::fixture::*;
use crate::agents::WorkTypes;
use crate::tasks::cancellation::cancel_task;
use crate::tasks::dispatch::{DispatchError, Dispatched, NewDispatch, dispatch_work};
use crate::tasks::submission::SubmitError;
use crate::tasks::task::Task;

/// Work that any agent can do.
pub(super) fn echo(task_id: TaskId) -> NewDispatch {
    let parameters = json!({ "message": "hello", "times": 1e18, "nested": { "half": 0.5 } });
    NewDispatch {
        task_id,
        work_type: "echo".to_owned(),
        parameters: parameters.as_object().cloned().unwrap_or_default(),
        priority: Priority::Normal,
        project_id: ProjectId::new("ops").unwrap(),
        timeout_seconds: None,
        max_attempts: None,
        trace_id: TraceId::generate(),
    }
}

pub(super) fn dispatched(task: &Task) -> Event {
    told(
        "task.dispatched",
        task.submission.id,
        json!({ "attempt": task.attempt, "request_id": task.request_id, "agent_type": "infra", "queue": "work_queue" }),
    )
}

fn completed(id: TaskId, request_id: Option<RequestId>, output: &str) -> Event {
    let members =
        json!({ "agent_id": "agent-9", "request_id": request_id, "exit_code": 0, "output": output });
    told("task.completed", id, members)
}

fn agent_failed(task: &Task) -> Event {
    let error = json!({ "code": "AGENT_FAILED", "message": "no such host", "retryable": true });
    told(
        "task.failed",
        task.submission.id,
        json!({ "request_id": task.request_id, "error": error, "exit_code": 4 }),
    )
}

impl Replica {
    async fn dispatch(&self, new: NewDispatch) -> Result<Dispatched, DispatchError> {
        let known: WorkTypes = [("echo".to_owned(), AgentType::Infra)].into_iter().collect();
        dispatch_work(&self.submitter, &known, new, None).await
    }

    /// The request ids that the announcements of a task told, each with its attempt and phase.
    fn announced_requests(&self, id: TaskId) -> Vec<(u32, Phase, Option<RequestId>)> {
        let changes = self.announced().into_iter().filter_map(|event| match event.data {
            EventData::TaskStatusChanged(change) if change.task_id == id => Some(change),
            _ => None,
        });
        changes.map(|change| (change.attempt, change.phase, change.request_id)).collect()
    }

    /// The task of new work, on its way to the agents.
    pub(super) async fn dispatch_echo(&self) -> Task {
        let id = TaskId::generate();
        self.dispatch(echo(id)).await.unwrap();
        self.task(id).await
    }
}

#[tokio::test]
async fn work_becomes_a_task_whose_request_to_route_says_what_the_agent_needs() {
    let gateway = Fixture::new("dispatch").await;
    let id = TaskId::generate();
    let work = NewDispatch { priority: Priority::Critical, timeout_seconds: Some(30), ..echo(id) };
    let answer = gateway.dispatch(work.clone()).await.unwrap();
    let EventData::TaskCreated(created) = gateway.announced().remove(0).data else {
        panic!("not task.created")
    };
    assert_eq!((created.task_id, created.request_id), (id, answer.request_id));
    assert_eq!((created.work_type.as_deref(), created.parameters), (Some("echo"), Some(work.parameters)));
    assert_eq!((created.priority, created.options.timeout_seconds), (Priority::Critical, Some(30)));
    let task = gateway.task(id).await;
    assert_eq!((task.phase, task.max_attempts, task.submission.trace_id), (Phase::Routing, 3, work.trace_id));
}

#[tokio::test]
async fn the_same_work_again_is_answered_like_the_first_time_and_dispatched_once() {
    let gateway = Fixture::new("again").await;
    let id = TaskId::generate();
    let first = gateway.dispatch(echo(id)).await.unwrap();
    let second = gateway.second();
    for replica in [&*gateway, &second] {
        assert_eq!(replica.dispatch(echo(id)).await.unwrap(), first);
    }
    let task = gateway.task(id).await;
    gateway.tell(vec![dispatched(&task), completed(id, Some(task.request_id), "Echo: hello")]).await;
    assert_eq!(second.dispatch(echo(id)).await.unwrap(), first, "also once it is completed");
    assert_eq!(gateway.announced_about(id).iter().filter(|key| *key == "task.created").count(), 1);
    assert!(second.announced_about(id).is_empty());
    assert_eq!(gateway.number("SELECT count(*) FROM tasks").await, 1);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn other_content_under_the_same_id_is_refused() {
    let gateway = Fixture::new("other").await;
    let id = TaskId::generate();
    gateway.dispatch(echo(id)).await.unwrap();
    let for_workers = gateway.submit(new_task("ops")).await.submission.id;
    for other in [
        NewDispatch { parameters: JsonObject::new(), ..echo(id) },
        NewDispatch { priority: Priority::High, ..echo(id) },
        NewDispatch { project_id: ProjectId::new("dev").unwrap(), ..echo(id) },
        NewDispatch { timeout_seconds: Some(1), ..echo(id) },
        echo(for_workers),
    ] {
        let refused = gateway.dispatch(other).await;
        assert!(matches!(refused, Err(DispatchError::Submit(SubmitError::TaskExists))), "{refused:?}");
    }
    let unknown = gateway.dispatch(NewDispatch { work_type: "bake".to_owned(), ..echo(id) }).await;
    let Err(DispatchError::UnknownWorkType { known }) = unknown else { panic!("{unknown:?}") };
    assert_eq!(known, ["echo"]);
    assert_eq!(gateway.number("SELECT count(*) FROM tasks").await, 2);
}

#[tokio::test]
async fn two_gateways_that_race_for_the_same_ids_store_each_task_once() {
    let gateway = Fixture::new("racing").await;
    let second = gateway.second();
    let ids: Vec<TaskId> = (0..40).map(|_| TaskId::generate()).collect();
    // Every id three times at each gateway, other submissions among them.
    let order = |salt: usize| (0..120).map(|index| ids[(index * 7 + salt) % ids.len()]).collect::<Vec<_>>();
    let (here, there, others) = tokio::join!(
        join_all(order(0).into_iter().map(|id| gateway.dispatch(echo(id)))),
        join_all(order(3).into_iter().map(|id| second.dispatch(echo(id)))),
        join_all((0..40).map(|_| gateway.submitter.submit(new_task("ops")))),
    );
    assert!(others.iter().all(Result::is_ok), "nobody else is hurt");
    let mut answers: HashMap<TaskId, Dispatched> = HashMap::new();
    for answer in here.into_iter().chain(there) {
        let answer = answer.unwrap();
        assert_eq!(*answers.entry(answer.task_id).or_insert(answer), answer, "every answer is the first one");
    }
    assert_eq!(answers.len(), ids.len());
    let created = |replica: &Replica| {
        let events = replica.announced();
        events.iter().filter(|event| matches!(event.data, EventData::TaskCreated(_))).count()
    };
    assert_eq!(created(&gateway) + created(&second), LIMIT as usize);
    assert_eq!(gateway.number("SELECT count(*) FROM tasks").await, 80);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_result_counts_once_however_often_and_late_it_comes() {
    let gateway = Fixture::new("twice").await;
    let task = gateway.dispatch_echo().await;
    let id = task.submission.id;
    let result = completed(id, Some(task.request_id), "Echo: hello");
    gateway.tell(vec![dispatched(&task), result.clone(), result.clone()]).await;
    gateway.tell(vec![result, completed(id, Some(task.request_id), "Echo: something else")]).await;
    let ended = gateway.task(id).await;
    assert_eq!((ended.status, ended.work.output.as_deref()), (TaskStatus::Completed, Some("Echo: hello")));
    assert_eq!((ended.work.exit_code, ended.work.worker_id.as_deref()), (Some(0), Some("agent-9")));
    let expected = [
        "task.submitted:applied",
        "task.dispatched:applied",
        "task.completed:applied",
        "task.completed:ignored",
    ];
    assert_eq!(gateway.history_words(id).await, expected);
}

#[tokio::test]
async fn what_an_agent_found_out_is_kept_with_its_result_and_late_progress_is_not_shown() {
    let gateway = Fixture::new("analysis").await;
    let task = gateway.dispatch_echo().await;
    let id = task.submission.id;
    let found = json!({ "issues": [{ "rule": "no\u{0}tabs", "line": null }] });
    let late = |trace_id| {
        let data =
            json!({ "request_id": RequestId::generate(), "percent": 90.0, "message": "from long ago" });
        told("task.progress", id, data).in_trace(trace_id)
    };
    gateway.tell(vec![dispatched(&task), late(task.submission.trace_id)]).await;
    assert_eq!(gateway.task(id).await.work.message, None);
    gateway.tell(vec![late(protocol::TraceId::generate())]).await;
    assert_eq!(gateway.task(id).await.work.message.as_deref(), Some("from long ago"));
    let result = json!({ "request_id": task.request_id, "output": "1 issue", "analysis_result": found });
    gateway.tell(vec![told("task.completed", id, result)]).await;
    let kept = gateway.task(id).await.work.analysis.unwrap();
    assert_eq!(kept["issues"][0]["line"], json!(null));
    assert!(kept["issues"][0]["rule"].as_str().unwrap().ends_with("tabs"), "{kept}");
}

#[tokio::test]
async fn a_result_after_a_cancellation_is_recorded_and_ignored() {
    let gateway = Fixture::new("late").await;
    let task = gateway.dispatch_echo().await;
    let id = task.submission.id;
    gateway.tell(vec![dispatched(&task)]).await;
    cancel_task(&gateway.service, id, None).await.unwrap();
    gateway.tell(vec![completed(id, Some(task.request_id), "Echo: hello"), agent_failed(&task)]).await;
    let ended = gateway.task(id).await;
    assert_eq!((ended.status, ended.work.output), (TaskStatus::Cancelled, None));
    let history = gateway.history(id).await;
    let late = &history[history.len() - 2];
    assert_eq!((late.event.as_str(), late.applied), ("task.completed", false));
    assert_eq!(late.reason.as_deref(), Some("the task is already cancelled"));
    let cancelled = gateway.announced().into_iter().find_map(|event| match event.data {
        EventData::TaskCancelled(cancelled) => Some(cancelled),
        _ => None,
    });
    assert_eq!(cancelled.unwrap().work_type.as_deref(), Some("echo"), "the lane can tell the agent");
}

#[tokio::test]
async fn the_request_id_of_an_attempt_is_announced_while_it_is_released() {
    let gateway = Fixture::new("handed").await;
    let first = gateway.dispatch_echo().await;
    let id = first.submission.id;
    gateway.tell(vec![dispatched(&first), told("task.started", id, json!({ "agent_id": "agent-9" }))]).await;
    gateway.pass_time(Duration::from_secs(601)).await;
    gateway.pass_time(Duration::from_secs(5)).await;
    gateway.admit("ops").await;
    let second = gateway.task(id).await;
    gateway.tell(vec![completed(id, Some(second.request_id), "Echo: hello")]).await;
    let (one, two) = (Some(first.request_id), Some(second.request_id));
    let expected = [
        // What was released as it was submitted had no other phase to come from.
        (1, Phase::Ready, one),
        (1, Phase::Executing, one),
        // Not released yet, so that the task still has the id of its first attempt.
        (2, Phase::Submitted, None),
        (2, Phase::Routing, two),
        (2, Phase::Done, None),
    ];
    assert_eq!(gateway.announced_requests(id), expected);

    let for_workers = gateway.submit(new_task("ops")).await.submission.id;
    gateway.tell(vec![told("task.started", for_workers, json!({ "attempt": 1 }))]).await;
    assert_eq!(gateway.announced_requests(for_workers), [(1, Phase::Executing, None)]);
}

#[tokio::test]
async fn an_agents_failure_is_final_and_a_deadline_is_another_attempt_with_a_new_request_id() {
    let gateway = Fixture::new("verdict").await;
    let failed = gateway.dispatch_echo().await;
    gateway.tell(vec![dispatched(&failed), agent_failed(&failed)]).await;
    let ended = gateway.task(failed.submission.id).await;
    assert_eq!((ended.status, ended.attempt, ended.work.exit_code), (TaskStatus::Failed, 1, Some(4)));
    assert_eq!(ended.error.unwrap().message, "no such host");

    let silent = gateway.dispatch_echo().await;
    let id = silent.submission.id;
    gateway.tell(vec![dispatched(&silent)]).await;
    gateway.pass_time(Duration::from_secs(601)).await;
    gateway.pass_time(Duration::from_secs(5)).await;
    gateway.admit("ops").await;
    let again = gateway.task(id).await;
    assert_eq!((again.attempt, again.phase), (2, Phase::Routing));
    assert_ne!(again.request_id, silent.request_id);
    gateway.tell(vec![dispatched(&again), completed(id, Some(silent.request_id), "too late")]).await;
    assert_eq!(gateway.phase(id).await, (TaskStatus::Running, Phase::Ready));
    gateway.tell(vec![completed(id, None, "without a request id it is the current attempt's")]).await;
    assert_eq!(gateway.phase(id).await, (TaskStatus::Completed, Phase::Done));
    gateway.assert_counters_match_the_tasks().await;
}

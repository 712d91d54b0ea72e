//! Slots: who gets them, and that there are never more than allowed.

use std::collections::BTreeSet;

use protocol::vocabulary::{Phase, Priority, TaskStatus};
use protocol::{ProjectId, TaskId};

use super::fixture::*;
use crate::tasks::asked::AskError;
use crate::tasks::cancellation::cancel_task;
use crate::tasks::retry::{RetryError, retry_task};
use crate::tasks::submission::NewTask;

#[tokio::test]
async fn a_free_slot_goes_to_the_most_urgent_then_to_the_oldest() {
    let gateway = Fixture::new("order").await;
    let mut running = Vec::new();
    for _ in 0..LIMIT {
        running.push(gateway.submit(new_task("web")).await);
    }
    let mut waiting = Vec::new();
    for priority in [Priority::Low, Priority::Normal, Priority::Critical, Priority::Normal] {
        gateway.clock.advance(std::time::Duration::from_secs(1));
        waiting.push(
            gateway.submit(NewTask { priority: Some(priority), ..new_task("web") }).await.submission.id,
        );
    }
    let mut order = Vec::new();
    for _ in 0..waiting.len() {
        gateway.tell(whole_way(&running.remove(0))).await;
        assert_eq!(gateway.admit("web").await, 1);
        for &id in &waiting {
            let task = gateway.task(id).await;
            if task.phase == Phase::Routing && !order.contains(&id) {
                order.push(id);
                running.push(task);
            }
        }
    }
    assert_eq!(order, [waiting[2], waiting[1], waiting[3], waiting[0]]);
    assert_eq!(gateway.admit("web").await, 0);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_newcomer_does_not_overtake_those_that_wait() {
    let gateway = Fixture::new("queue").await;
    let running: Vec<_> =
        [gateway.submit(new_task("web")).await, gateway.submit(new_task("web")).await].into();
    gateway.submit(new_task("web")).await;
    let waiting = gateway.submit(new_task("web")).await.submission.id;
    gateway.tell(whole_way(&running[0])).await;
    let newcomer = gateway.submit(new_task("web")).await.submission.id;
    assert_eq!(gateway.phase(newcomer).await, (TaskStatus::Pending, Phase::Submitted));
    gateway.admit("web").await;
    assert_eq!(gateway.phase(waiting).await, (TaskStatus::Pending, Phase::Routing));
    assert_eq!(gateway.phase(newcomer).await, (TaskStatus::Pending, Phase::Submitted));
}

#[tokio::test]
async fn the_limit_holds_while_two_gateways_admit_and_tasks_complete() {
    let gateway = Fixture::new("limit").await;
    let second = gateway.second();
    let mut open: BTreeSet<TaskId> = BTreeSet::new();
    for _ in 0..20 {
        open.insert(gateway.submit(new_task("web")).await.submission.id);
    }
    while !open.is_empty() {
        let mut done = Vec::new();
        for &id in &open {
            let task = gateway.task(id).await;
            if task.holds_slot() {
                done.push(task);
            }
        }
        assert!(!done.is_empty() && done.len() <= LIMIT as usize, "{} hold a slot", done.len());
        let project = ProjectId::new("web").unwrap();
        let admit = |replica: &Replica| {
            let service = replica.service.clone();
            let project = project.clone();
            async move { crate::reconcilers::admission::admit_waiting_tasks(&service, &project).await.unwrap() }
        };
        let events = done.iter().flat_map(whole_way).collect();
        let (_, _, _) = tokio::join!(gateway.tell(events), admit(&gateway), admit(&second));
        admit(&second).await;
        open.retain(|id| !done.iter().any(|task| task.submission.id == *id));
        gateway.assert_counters_match_the_tasks().await;
    }
    assert_eq!(gateway.number("SELECT completed FROM projects WHERE project_id = 'web'").await, 20);
}

#[tokio::test]
async fn retrying_gives_a_failed_or_cancelled_task_another_attempt() {
    let gateway = Fixture::new("retry").await;
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    let refused = retry_task(&gateway.service, id).await;
    assert!(
        matches!(refused, Err(RetryError::Ask(AskError::WrongState { phase: Phase::Routing, .. }))),
        "{refused:?}"
    );
    cancel_task(&gateway.service, id, None).await.unwrap();
    let retried = retry_task(&gateway.service, id).await.unwrap();
    assert_eq!((retried.attempt, retried.status), (2, TaskStatus::Pending));
    assert_eq!(retried, gateway.task(id).await);
    assert_eq!(gateway.admit("web").await, 1);
    let again = gateway.task(id).await;
    gateway.tell(whole_way(&again)).await;
    assert_eq!(gateway.phase(id).await, (TaskStatus::Completed, Phase::Done));
    let missing = retry_task(&gateway.service, TaskId::generate()).await;
    assert!(matches!(missing, Err(RetryError::Ask(AskError::NotFound))));
    gateway.assert_counters_match_the_tasks().await;
}

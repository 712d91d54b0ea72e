//! Things that happen to one task at the same moment.

use protocol::TaskId;
use protocol::vocabulary::TaskStatus;

use super::fixture::*;
use crate::tasks::cancellation::{CancelError, Cancelled, cancel_task};

#[tokio::test]
async fn cancel_and_completion_at_the_same_moment_have_one_outcome_and_one_announcement() {
    let gateway = Fixture::new("race").await;
    let second = gateway.second();
    let (mut cancelled, mut completed) = (0, 0);
    for round in 0..30 {
        let task = gateway.submit(new_task(&format!("project-{round}"))).await;
        let id = task.submission.id;
        gateway.tell(vec![ready(&task), started(&task), output(&task)]).await;
        let verdict = vec![validated(&task)];
        let answer = if round % 2 == 0 {
            let (answer, ()) = tokio::join!(cancel_task(&second.service, id, None), gateway.tell(verdict));
            answer
        } else {
            let ((), answer) = tokio::join!(gateway.tell(verdict), cancel_task(&second.service, id, None));
            answer
        };
        let ended = gateway.task(id).await;
        match answer {
            Ok(_) => {
                cancelled += 1;
                assert_eq!(ended.status, TaskStatus::Cancelled);
            }
            Err(CancelError::Finished { status }) => {
                completed += 1;
                assert_eq!((status, ended.status), (TaskStatus::Completed, TaskStatus::Completed));
            }
            Err(other) => panic!("{other:?}"),
        }
        let mut announced = gateway.announced_about(id);
        announced.extend(second.announced_about(id));
        let ends = announced
            .iter()
            .filter(|key| ["task.status.cancelled", "task.status.completed"].contains(&key.as_str()));
        assert_eq!(ends.count(), 1, "{announced:?}");
        let applied = gateway.history(id).await.iter().filter(|entry| entry.applied).count();
        assert_eq!(applied, 5, "the verdict or the cancellation, not both");
    }
    assert_eq!(cancelled + completed, 30);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn cancelling_is_idempotent_and_refused_for_what_has_ended_otherwise() {
    let gateway = Fixture::new("cancel").await;
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    let reason = || Some("not needed".to_owned());
    let first = cancel_task(&gateway.service, id, reason()).await.unwrap();
    assert_eq!(first, Cancelled { task_id: id, previous_status: TaskStatus::Pending });
    let again = cancel_task(&gateway.service, id, reason()).await.unwrap();
    assert_eq!(again.previous_status, TaskStatus::Cancelled);
    assert_eq!(gateway.announced_about(id), ["task.created", "task.cancelled", "task.status.cancelled"]);
    let history = gateway.history(id).await;
    assert_eq!(history.last().unwrap().reason.as_deref(), Some("not needed"));
    gateway.tell(vec![output(&task), validated(&task)]).await;
    assert_eq!(gateway.task(id).await.status, TaskStatus::Cancelled);
    let done = gateway.submit(new_task("web")).await;
    gateway.tell(whole_way(&done)).await;
    let refused = cancel_task(&gateway.service, done.submission.id, None).await;
    assert!(matches!(refused, Err(CancelError::Finished { status: TaskStatus::Completed })), "{refused:?}");
    let unknown = cancel_task(&gateway.service, TaskId::generate(), None).await;
    assert!(matches!(unknown, Err(CancelError::NotFound)), "{unknown:?}");
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn the_same_events_at_two_gateways_at_once_are_applied_once() {
    let gateway = Fixture::new("both").await;
    let second = gateway.second();
    for round in 0..10 {
        let mut events = Vec::new();
        let mut ids = Vec::new();
        for index in 0..5 {
            let task = gateway.submit(new_task(&format!("project-{round}-{index}"))).await;
            ids.push(task.submission.id);
            events.extend(whole_way(&task));
        }
        let mut backwards = events.clone();
        backwards.rotate_left(8);
        tokio::join!(gateway.tell(events), second.deliver(backwards));
        for id in ids {
            let applied = gateway.history(id).await.iter().filter(|entry| entry.applied).count();
            assert_eq!((gateway.task(id).await.status, applied), (TaskStatus::Completed, 5));
        }
    }
    gateway.assert_counters_match_the_tasks().await;
}

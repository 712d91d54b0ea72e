//! Tasks that wait for other tasks.

use protocol::TaskId;
use protocol::events::EventData;
use protocol::vocabulary::{Phase, TaskStatus};

use super::fixture::*;
use crate::reconcilers::dependencies::release_decided_tasks;
use crate::tasks::cancellation::cancel_task;
use crate::tasks::submission::NewTask;

async fn after(gateway: &Fixture, depends_on: Vec<TaskId>) -> TaskId {
    gateway.submit(NewTask { depends_on, ..new_task("web") }).await.submission.id
}

#[tokio::test]
async fn a_task_is_released_when_all_it_depends_on_are_completed_and_gets_their_artifacts() {
    let gateway = Fixture::new("released").await;
    let first = gateway.submit(new_task("web")).await;
    let second = gateway.submit(new_task("web")).await;
    let heir = after(&gateway, vec![first.submission.id, second.submission.id]).await;
    gateway.tell(whole_way(&first)).await;
    assert_eq!(release_decided_tasks(&gateway.service, None).await.unwrap(), 0);
    assert_eq!(gateway.phase(heir).await, (TaskStatus::Pending, Phase::Blocked));
    gateway.tell(whole_way(&second)).await;
    let ended = [second.submission.id];
    assert_eq!(release_decided_tasks(&gateway.service, Some(&ended)).await.unwrap(), 1);
    assert_eq!(gateway.number("SELECT count(*) FROM task_dependencies").await, 0);
    assert_eq!(gateway.admit("web").await, 1);
    let created = gateway.announced().into_iter().rev().find_map(|event| match event.data {
        EventData::TaskCreated(created) if created.task_id == heir => Some(created),
        _ => None,
    });
    let inputs: Vec<String> =
        created.unwrap().inputs.into_iter().map(|input| input.artifact_id.to_string()).collect();
    let artifact = |id: TaskId| format!("artifact-of-{id}");
    assert_eq!(inputs, [artifact(first.submission.id), artifact(second.submission.id)]);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_task_that_waits_for_others_names_those_that_have_not_completed() {
    let gateway = Fixture::new("named").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(gateway.submit(new_task("web")).await);
    }
    let heir = after(&gateway, ids.iter().map(|task| task.submission.id).collect()).await;
    gateway.tell(whole_way(&ids[0])).await;
    let heir = gateway.reader.find(heir).await.unwrap().unwrap();
    let detail = heir.waiting.unwrap().detail;
    let open: Vec<TaskId> = ids[1..].iter().map(|task| task.submission.id).collect();
    let expected = format!(
        "task {} is pending, task {} is pending, task {} is pending, and 1 more",
        open[0], open[1], open[2]
    );
    assert_eq!(detail, Some(expected));
}

#[tokio::test]
async fn what_is_completed_already_is_not_waited_for() {
    let gateway = Fixture::new("completed").await;
    let first = gateway.submit(new_task("web")).await;
    gateway.tell(whole_way(&first)).await;
    let heir = after(&gateway, vec![first.submission.id]).await;
    assert_eq!(gateway.phase(heir).await, (TaskStatus::Pending, Phase::Submitted));
    assert_eq!(gateway.admit("web").await, 1);
}

#[tokio::test]
async fn a_dependency_that_does_not_complete_fails_those_that_wait_for_it_down_the_line() {
    let gateway = Fixture::new("vain").await;
    let first = gateway.submit(new_task("web")).await.submission.id;
    let second = after(&gateway, vec![first]).await;
    let third = after(&gateway, vec![second]).await;
    cancel_task(&gateway.service, first, None).await.unwrap();
    assert_eq!(release_decided_tasks(&gateway.service, Some(&[first])).await.unwrap(), 1);
    assert_eq!(release_decided_tasks(&gateway.service, None).await.unwrap(), 1);
    for (id, culprit) in [(second, first), (third, second)] {
        let error = gateway.task(id).await.error.unwrap();
        assert_eq!(error.code, "DEPENDENCY_FAILED");
        assert!(error.message.contains(&culprit.to_string()), "{}", error.message);
    }
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_completion_during_the_submission_is_not_missed() {
    let gateway = Fixture::new("missed").await;
    for _ in 0..20 {
        let first = gateway.submit(new_task("web")).await;
        let new = NewTask { depends_on: vec![first.submission.id], ..new_task("web") };
        let (heir, ()) = tokio::join!(gateway.submit(new), gateway.tell(whole_way(&first)));
        release_decided_tasks(&gateway.service, None).await.unwrap();
        let heir = gateway.task(heir.submission.id).await;
        assert_eq!(heir.phase, Phase::Submitted);
        cancel_task(&gateway.service, heir.submission.id, None).await.unwrap();
    }
    gateway.assert_counters_match_the_tasks().await;
}

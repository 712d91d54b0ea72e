//! Tainted inputs hold tasks, and rollbacks run tasks again, each exactly as long and as often as they should.

use protocol::events::{Feedback, Input};
use protocol::vocabulary::{Phase, Relationship, TaskStatus};
use protocol::{ArtifactId, Event, Incoming, TaskId, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{Fixture, new_task, output, ready, started, whole_way};
use crate::reconcilers::dependencies::release_decided_tasks;
use crate::tasks::asked::AskError;
use crate::tasks::submission::NewTask;
use crate::tasks::task::WaitingReason;
use crate::trust::release::{release_task, release_unheld_tasks};
use crate::trust::rollbacks::reopen_tasks;

/// An event about no task, as the provenance-store publishes it.
fn stored(fixture: &Fixture, name: &str, data: Value) -> Event {
    let now: Timestamp = service_runtime::clock::Clock::now(&fixture.clock).into();
    let body = json!({
        "specversion": "1.0", "type": format!("dats.{name}"), "source": "/orchestration/provenance-store",
        "id": Uuid::now_v7(), "time": now, "data": data,
    });
    let body = body.to_string();
    let incoming = Incoming { routing_key: name, body: body.as_bytes(), ..Incoming::default() };
    Event::decode(incoming, now).unwrap()
}

/// How artifacts stand at a moment, as the provenance-store tells it.
fn standing(fixture: &Fixture, moment: i64, tainted: &[&str], untainted: &[&str]) -> Event {
    let data = json!({"moment": moment, "tainted": tainted, "untainted": untainted});
    stored(fixture, "artifact.standing", data)
}

/// A stranger's event, with an id to answer.
fn from_outside(fixture: &Fixture, id: Uuid, name: &str, data: Value) -> Event {
    Event { id: id.into(), source: "/qa/7".to_owned(), ..stored(fixture, name, data) }
}

fn using(project: &str, artifact: &str) -> NewTask {
    let input = Input {
        artifact_id: ArtifactId::new(artifact).unwrap(),
        relationship: Relationship::Consumed,
        checksum: None,
    };
    NewTask { inputs: vec![input], ..new_task(project) }
}

async fn waits_for(fixture: &Fixture, id: TaskId) -> (Phase, Option<WaitingReason>, Option<String>) {
    let task = fixture.task(id).await;
    let (reason, detail) =
        task.waiting.map_or((None, None), |waiting| (Some(waiting.reason), waiting.detail));
    (task.phase, reason, detail)
}

async fn release_all(fixture: &Fixture, project: &str) {
    while release_unheld_tasks(&fixture.service, 10).await.unwrap() > 0 {}
    while release_decided_tasks(&fixture.service, None).await.unwrap() > 0 {}
    while fixture.admit(project).await > 0 {}
}

#[tokio::test]
async fn a_task_whose_input_is_tainted_is_held_until_that_is_cleared() {
    let fixture = Fixture::new("trust_held").await;
    fixture.tell(vec![standing(&fixture, 7, &["a"], &["b"])]).await;
    let held = fixture.submit(using("p", "a")).await.submission.id;
    let free = fixture.submit(using("p", "b")).await.submission.id;
    release_all(&fixture, "p").await;
    let detail = Some("artifact a is tainted".to_owned());
    assert_eq!(waits_for(&fixture, held).await, (Phase::Blocked, Some(WaitingReason::TaintedInput), detail));
    assert_eq!(fixture.phase(free).await.1, Phase::Routing, "others are not kept waiting");
    // Only the provenance-store knows how an artifact stands, and what it told before is no news.
    let events = vec![
        stored(&fixture, "artifact.cleared", json!({"artifact_ids": ["a"]})),
        from_outside(&fixture, Uuid::now_v7(), "artifact.cleared", json!({"artifact_ids": ["a"]})),
        standing(&fixture, 6, &[], &["a"]),
    ];
    fixture.tell(events).await;
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(held).await.1, Phase::Blocked);

    // Told in the other order, the last word counts.
    fixture.tell(vec![standing(&fixture, 9, &[], &["a"]), standing(&fixture, 8, &["a"], &[])]).await;
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(held).await.1, Phase::Routing);
    assert_eq!(
        fixture.history_words(held).await,
        [
            "task.submitted:applied",
            "input.tainted:applied",
            "inputs.cleared:applied",
            "task.admitted:applied"
        ]
    );
    fixture.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn what_a_stranger_finds_wrong_is_held_until_the_store_has_answered() {
    let fixture = Fixture::new("trust_stranger").await;
    let (heard_first, answered_first) = (Uuid::now_v7(), Uuid::now_v7());
    let taint = |id, artifact: &str| {
        from_outside(&fixture, id, "artifact.tainted", json!({"artifact_id": artifact, "reason": "wrong"}))
    };
    let answer = |id: Uuid| {
        // It was found good since, or a newer version is there.
        let data = json!({"moment": 5, "untainted": ["a"], "answers": [id]});
        stored(&fixture, "artifact.standing", data)
    };
    fixture.tell(vec![taint(heard_first, "a")]).await;
    let task = fixture.submit(using("p", "a")).await.submission.id;
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(task).await.1, Phase::Blocked);
    fixture.tell(vec![answer(heard_first)]).await;
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(task).await.1, Phase::Routing);

    // An answer that comes first, or with what it answers, leaves nothing to wait for.
    fixture.tell(vec![answer(answered_first)]).await;
    fixture.tell(vec![taint(answered_first, "a")]).await;
    let together = Uuid::now_v7();
    fixture.tell(vec![taint(together, "a"), answer(together)]).await;
    assert_eq!(fixture.number("SELECT count(*) FROM asked_taints").await, 0);
    let free = fixture.submit(using("p", "a")).await.submission.id;
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(free).await.1, Phase::Routing);
}

#[tokio::test]
async fn a_held_task_goes_on_when_it_is_told_to() {
    let fixture = Fixture::new("trust_release").await;
    fixture.tell(vec![standing(&fixture, 1, &["a"], &[])]).await;
    let task = fixture.submit(using("p", "a")).await.submission.id;
    release_all(&fixture, "p").await;
    release_task(&fixture.service, task, Some("it will do".to_owned())).await.unwrap();
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(task).await.1, Phase::Routing);
    let again = release_task(&fixture.service, task, None).await;
    assert!(matches!(again, Err(AskError::WrongState { .. })));
    let unknown = release_task(&fixture.service, TaskId::generate(), None).await;
    assert!(matches!(unknown, Err(AskError::NotFound)));
}

#[tokio::test]
async fn a_rollback_runs_its_tasks_again_once_and_in_their_order() {
    let fixture = Fixture::new("trust_rollback").await;
    let first = fixture.submit(new_task("p")).await;
    fixture.tell(whole_way(&first)).await;
    let first = first.submission.id;
    let second = fixture.submit(NewTask { depends_on: vec![first], ..new_task("p") }).await.submission.id;
    release_all(&fixture, "p").await;
    let running = fixture.task(second).await;
    fixture.tell(vec![ready(&running), started(&running), output(&running)]).await;
    let bystander = fixture.submit(new_task("p")).await.submission.id;

    let artifacts = [format!("artifact-of-{first}"), format!("artifact-of-{second}")];
    let done = json!({
        "rollback_id": Uuid::now_v7(), "checkpoint_id": Uuid::now_v7(), "project_id": "p",
        "records_invalidated": 2, "artifact_ids": artifacts, "moment": 3, "task_ids": [first, second, TaskId::generate()],
        "dry_run": false,
    });
    let event = stored(&fixture, "rollback.completed", done.clone());
    fixture.tell(vec![event.clone()]).await;
    // Told again, by the same event and by another one.
    fixture.tell(vec![event, stored(&fixture, "rollback.completed", done)]).await;
    // One task at a time, as after a crash.
    while reopen_tasks(&fixture.service, 1).await.unwrap() > 0 {}
    assert_eq!(fixture.number("SELECT tasks_reopened FROM rollbacks WHERE status = 'completed'").await, 2);
    for id in [first, second] {
        let task = fixture.task(id).await;
        assert_eq!((task.status, task.attempt), (TaskStatus::Pending, 2));
        assert!(task.feedback.iter().any(|lesson: &Feedback| lesson.message.contains("rollback")));
    }
    assert!(fixture.announced_about(second).contains(&"task.cancelled".to_owned()), "it was in flight");
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(first).await.1, Phase::Routing);
    assert_eq!(
        waits_for(&fixture, second).await.1,
        Some(WaitingReason::Dependency),
        "it builds on the first"
    );
    assert_eq!(fixture.task(bystander).await.attempt, 1);

    fixture.tell(whole_way(&fixture.task(first).await)).await;
    let recorded = format!("artifact-of-{first}");
    release_all(&fixture, "p").await;
    assert_eq!(
        waits_for(&fixture, second).await.1,
        Some(WaitingReason::TaintedInput),
        "the new version is not recorded yet"
    );
    fixture.tell(vec![standing(&fixture, 4, &[], &[&recorded])]).await;
    release_all(&fixture, "p").await;
    assert_eq!(fixture.phase(second).await.1, Phase::Routing);
    fixture.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_rollback_that_was_refused_or_only_tried_runs_nothing_again() {
    let fixture = Fixture::new("trust_refused").await;
    let task = fixture.submit(new_task("p")).await;
    fixture.tell(whole_way(&task)).await;
    let id = task.submission.id;
    let told = |members: Value| {
        let mut data =
            json!({"rollback_id": Uuid::now_v7(), "checkpoint_id": Uuid::now_v7(), "task_ids": [id]});
        data.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        stored(&fixture, "rollback.completed", data)
    };
    fixture.tell(vec![told(json!({"dry_run": true})), told(json!({"error": "no such checkpoint"}))]).await;
    assert_eq!(reopen_tasks(&fixture.service, 10).await.unwrap(), 0);
    assert_eq!(fixture.phase(id).await, (TaskStatus::Completed, Phase::Done));
    assert_eq!(fixture.number("SELECT count(*) FROM rollbacks WHERE status = 'failed'").await, 1);
}

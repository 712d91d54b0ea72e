//! Split tasks and their subtasks.

use std::collections::BTreeSet;

use protocol::TaskId;
use protocol::events::EventData;
use protocol::vocabulary::{Phase, TaskStatus};
use serde_json::json;

use super::fixture::*;
use crate::reconcilers::dependencies::release_decided_tasks;
use crate::reconcilers::family::{cancel_orphans, count_subtasks};
use crate::tasks::cancellation::cancel_task;
use crate::tasks::lifecycle::{Rules, SubtaskFailure};
use crate::tasks::queries::{PageRequest, PageStart, TaskFilter, list_in_flight, list_tasks};
use crate::tasks::retry::{RetryError, retry_task};
use crate::tasks::submission::NewTask;
use crate::tasks::task::Task;
use crate::trust::store::rollbacks::list_to_run_again;

fn plan(task: &Task, subtasks: serde_json::Value) -> protocol::Event {
    told("task.decomposed", task.submission.id, json!({ "attempt": task.attempt, "subtasks": subtasks }))
}

fn two_steps() -> serde_json::Value {
    json!([
        { "id": "design", "description": "design it", "tier": "large" },
        { "id": "build", "description": "build it", "dependencies": ["design"], "is_atomic": false },
    ])
}

/// The subtasks of a task, those described as `design it` before `build it`.
async fn subtasks(gateway: &Fixture, parent: TaskId) -> Vec<TaskId> {
    let filter = TaskFilter { parent_id: Some(parent), ..TaskFilter::default() };
    let page = PageRequest { limit: 50, start: PageStart::Offset(0) };
    let mut found = list_tasks(&gateway.service, &filter, &page).await.unwrap().tasks;
    found.sort_by(|one, other| other.description.cmp(&one.description));
    found.into_iter().map(|task| task.task_id).collect()
}

#[tokio::test]
async fn subtasks_run_in_their_order_and_complete_their_parent() {
    let gateway = Fixture::new("family").await;
    let parent = gateway.submit(new_task("web")).await;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    let id = parent.submission.id;
    assert_eq!(gateway.phase(id).await, (TaskStatus::Running, Phase::Decomposed));
    let [design, build] = subtasks(&gateway, id).await[..] else { panic!("two subtasks") };
    assert_eq!(gateway.admit("web").await, 1, "only the first step is free");
    let step = gateway.task(design).await;
    assert_eq!((step.submission.trace_id, step.submission.parent_id), (parent.submission.trace_id, Some(id)));
    assert!(step.is_tier_pinned() && !step.submission.options.decompose);
    gateway.tell(whole_way(&step)).await;
    assert_eq!(count_subtasks(&gateway.service, Some(&[id])).await.unwrap(), 1);
    assert_eq!(gateway.task(id).await.subtasks.completed, 1);
    assert_eq!(release_decided_tasks(&gateway.service, None).await.unwrap(), 1);
    assert_eq!(gateway.admit("web").await, 1);
    let step = gateway.task(build).await;
    assert!(step.submission.options.decompose);
    gateway.tell(whole_way(&step)).await;
    assert_eq!(count_subtasks(&gateway.service, None).await.unwrap(), 1);
    assert_eq!(gateway.phase(id).await, (TaskStatus::Completed, Phase::Done));
    assert_eq!(count_subtasks(&gateway.service, None).await.unwrap(), 0);
    let produced: Vec<String> = artifacts(&gateway, id).await;
    assert_eq!(produced, [format!("artifact-of-{design}"), format!("artifact-of-{build}")]);
    gateway.assert_counters_match_the_tasks().await;
}

async fn artifacts(gateway: &Fixture, id: TaskId) -> Vec<String> {
    let work = gateway.task(id).await.work;
    work.artifacts.into_iter().map(|artifact| artifact.artifact_id.to_string()).collect()
}

#[tokio::test]
async fn of_an_artifact_that_several_subtasks_worked_on_the_last_version_counts() {
    let gateway = Fixture::new("versions").await;
    let parent = gateway.submit(new_task("web")).await;
    let id = parent.submission.id;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    for step in subtasks(&gateway, id).await {
        gateway.admit("web").await;
        let step = gateway.task(step).await;
        let of = |artifact: &str| json!({ "artifact_id": artifact, "type": "code", "path": step.submission.description });
        let output = json!({
            "artifact_id": "shared", "output": { "artifacts": [of("shared"), of(&step.submission.description)] },
        });
        let verdict = json!({ "artifact_id": "shared" });
        let told_of = |name, data| told(name, step.submission.id, data);
        gateway.tell(vec![told_of("task.output.created", output), told_of("task.validated", verdict)]).await;
        release_decided_tasks(&gateway.service, None).await.unwrap();
    }
    count_subtasks(&gateway.service, None).await.unwrap();
    assert_eq!(artifacts(&gateway, id).await, ["design it", "shared", "build it"]);
    let shared = gateway.task(id).await.work.artifacts.remove(1);
    assert_eq!(shared.path.as_deref(), Some("build it"));
}

#[tokio::test]
async fn of_subtasks_side_by_side_it_is_the_version_of_the_last_to_complete() {
    let gateway = Fixture::new("side-by-side").await;
    let parent = gateway.submit(new_task("web")).await;
    let id = parent.submission.id;
    let parts = json!([{ "id": "1", "description": "first" }, { "id": "2", "description": "second" }]);
    gateway.tell(vec![plan(&parent, parts)]).await;
    assert_eq!(gateway.admit("web").await, 2);
    for part in subtasks(&gateway, id).await {
        let part = gateway.task(part).await;
        let by = &part.submission.description;
        let made = json!([{ "artifact_id": "shared", "type": "code", "path": by }]);
        let output = json!({ "artifact_id": "shared", "output": { "artifacts": made } });
        let verdict = json!({ "artifact_id": "shared" });
        let told_of = |name, data| told(name, part.submission.id, data);
        gateway.clock.advance(std::time::Duration::from_secs(1));
        gateway.tell(vec![told_of("task.output.created", output), told_of("task.validated", verdict)]).await;
    }
    count_subtasks(&gateway.service, None).await.unwrap();
    let [shared] = &gateway.task(id).await.work.artifacts[..] else { panic!("one artifact") };
    assert_eq!(shared.path.as_deref(), Some("first"), "the second part was done first");
}

/// The artifacts that a task was last released with.
fn released_with(gateway: &Fixture, id: TaskId) -> Vec<String> {
    let created = gateway.announced().into_iter().rev().find_map(|event| match event.data {
        EventData::TaskCreated(created) if created.task_id == id => Some(created),
        _ => None,
    });
    created.expect("it was released").inputs.into_iter().map(|input| input.artifact_id.to_string()).collect()
}

#[tokio::test]
async fn the_parts_of_a_task_get_what_the_task_depended_on_however_deep_they_lie() {
    let gateway = Fixture::new("heirs").await;
    let before = gateway.submit(new_task("web")).await;
    gateway.tell(whole_way(&before)).await;
    let depends_on = vec![before.submission.id];
    let parent = gateway.submit(NewTask { depends_on, ..new_task("web") }).await;
    gateway.admit("web").await;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    let [design, build] = subtasks(&gateway, parent.submission.id).await[..] else { panic!("two subtasks") };
    gateway.admit("web").await;
    let made_before = format!("artifact-of-{}", before.submission.id);
    assert_eq!(released_with(&gateway, design), std::slice::from_ref(&made_before));
    let step = gateway.task(design).await;
    gateway.tell(whole_way(&step)).await;
    release_decided_tasks(&gateway.service, None).await.unwrap();
    gateway.admit("web").await;
    let step = gateway.task(build).await;
    let expected = [made_before, format!("artifact-of-{design}")];
    assert_eq!(released_with(&gateway, build), expected);

    gateway.tell(vec![plan(&step, json!([{ "id": "leaf", "description": "leaf" }]))]).await;
    let leaf = subtasks(&gateway, build).await[0];
    gateway.admit("web").await;
    assert_eq!(released_with(&gateway, leaf), expected);
}

#[tokio::test]
async fn a_rollback_runs_no_part_again_that_its_task_goes_on_without() {
    let gateway = Fixture::new("old-parts").await;
    let parent = gateway.submit(new_task("web")).await;
    let id = parent.submission.id;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    let old = subtasks(&gateway, id).await;
    cancel_task(&gateway.service, id, None).await.unwrap();
    retry_task(&gateway.service, id).await.unwrap();
    gateway.clock.advance(std::time::Duration::from_secs(1));
    gateway.admit("web").await;
    gateway.tell(vec![plan(&gateway.task(id).await, two_steps())]).await;
    let all = subtasks(&gateway, id).await;
    let new = all.into_iter().filter(|part| !old.contains(part)).map(|part| part.as_uuid());
    let (old, new) = (old.iter().map(|part| part.as_uuid()).collect::<Vec<_>>(), new.collect::<Vec<_>>());
    let mut conn = gateway.service.connection().await.unwrap();
    let again = list_to_run_again(&mut conn, &[old, new.clone()].concat()).await.unwrap();
    let again: BTreeSet<_> = again.into_iter().map(|part| part.as_uuid()).collect();
    assert_eq!(again, new.into_iter().collect());
}

#[tokio::test]
async fn who_depends_on_a_split_task_depends_on_what_its_parts_made() {
    let gateway = Fixture::new("in-flight").await;
    let parent = gateway.submit(new_task("web")).await;
    let depends_on = vec![parent.submission.id];
    let heir = gateway.submit(NewTask { depends_on, ..new_task("web") }).await.submission.id;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    let [design, build] = subtasks(&gateway, parent.submission.id).await[..] else { panic!("two subtasks") };
    gateway.admit("web").await;
    gateway.tell(whole_way(&gateway.task(design).await)).await;
    let made = [format!("artifact-of-{design}")];
    let affected = list_in_flight(&gateway.service, &made, &[design], None).await.unwrap();
    assert_eq!(affected, [parent.submission.id, heir, build]);
}

#[tokio::test]
async fn a_part_that_nobody_waits_for_any_more_is_not_retried() {
    let gateway = Fixture::new("abandoned").await;
    let parent = gateway.submit(new_task("web")).await;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    let step = subtasks(&gateway, parent.submission.id).await[0];
    cancel_task(&gateway.service, step, None).await.unwrap();
    let while_it_waits = retry_task(&gateway.service, step).await.unwrap();
    assert_eq!(while_it_waits.attempt, 2);
    cancel_task(&gateway.service, step, None).await.unwrap();
    count_subtasks(&gateway.service, None).await.unwrap();
    assert_eq!(gateway.phase(parent.submission.id).await, (TaskStatus::Failed, Phase::Done));
    let refused = retry_task(&gateway.service, step).await;
    assert!(
        matches!(refused, Err(RetryError::Abandoned { parent: it }) if it == parent.submission.id),
        "{refused:?}"
    );
    assert_eq!(gateway.phase(step).await, (TaskStatus::Cancelled, Phase::Done));
}

#[tokio::test]
async fn a_split_task_tells_why_it_was_split_and_how_long_it_took() {
    let gateway = Fixture::new("why-split").await;
    let parent = gateway.submit(new_task("web")).await;
    let routing = json!({ "analyzer": "rules", "reasons": ["split into 2 parts"], "fallback": false });
    let data = json!({ "attempt": 1, "subtasks": two_steps(), "routing": routing });
    gateway.tell(vec![told("task.decomposed", parent.submission.id, data)]).await;
    let parent = gateway.task(parent.submission.id).await;
    assert_eq!(parent.routing.unwrap().reasons, ["split into 2 parts"]);
    assert_eq!(parent.started_at, Some(parent.phase_since));
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_fails_its_task_with_the_reason() {
    let gateway = Fixture::new("plan").await;
    let circle = json!([
        { "id": "a", "description": "a", "dependencies": ["b"] },
        { "id": "b", "description": "b", "dependencies": ["a"] },
    ]);
    let task = gateway.submit(new_task("web")).await;
    gateway.tell(vec![plan(&task, circle)]).await;
    let failed = gateway.task(task.submission.id).await;
    assert_eq!(failed.error.unwrap().code, "INVALID_PLAN");
    assert_eq!(gateway.number("SELECT count(*) FROM tasks").await, 1);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn splitting_has_an_end() {
    let gateway = Fixture::new("depth").await;
    let mut task = gateway.submit(new_task("web")).await;
    let one = || json!([{ "id": "deeper", "description": "deeper", "is_atomic": false }]);
    for _ in 0..2 {
        gateway.tell(vec![plan(&task, one())]).await;
        let child = subtasks(&gateway, task.submission.id).await[0];
        gateway.admit("web").await;
        task = gateway.task(child).await;
    }
    gateway.tell(vec![plan(&task, one())]).await;
    let error = gateway.task(task.submission.id).await.error.unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("INVALID_PLAN", "subtasks may be split 2 levels deep")
    );
}

#[tokio::test]
async fn a_failed_subtask_fails_its_parent_and_ends_the_others() {
    let gateway = Fixture::new("fail_fast").await;
    let parent = gateway.submit(new_task("web")).await;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    let steps = subtasks(&gateway, parent.submission.id).await;
    cancel_task(&gateway.service, steps[0], None).await.unwrap();
    count_subtasks(&gateway.service, None).await.unwrap();
    assert_eq!(gateway.task(parent.submission.id).await.error.unwrap().code, "SUBTASKS_FAILED");
    assert_eq!(cancel_orphans(&gateway.service, Some(&[parent.submission.id])).await.unwrap(), 1);
    assert_eq!(gateway.phase(steps[1]).await, (TaskStatus::Cancelled, Phase::Done));
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn subtasks_of_an_earlier_attempt_do_not_count_for_the_next() {
    let rules = Rules { subtask_failure: SubtaskFailure::FinishOthers, ..Rules::default() };
    let gateway = Fixture::with_rules("attempts", rules).await;
    let parent = gateway.submit(new_task("web")).await;
    let id = parent.submission.id;
    gateway.tell(vec![plan(&parent, two_steps())]).await;
    let first = subtasks(&gateway, id).await;
    cancel_task(&gateway.service, id, Some("wrong plan".to_owned())).await.unwrap();
    for step in &first {
        assert_eq!(
            gateway.phase(*step).await,
            (TaskStatus::Cancelled, Phase::Done),
            "cancelled with its parent"
        );
    }
    retry_task(&gateway.service, id).await.unwrap();
    gateway.clock.advance(std::time::Duration::from_secs(1));
    gateway.admit("web").await;
    let again = gateway.task(id).await;
    gateway.tell(vec![plan(&again, json!([{ "id": "only", "description": "only" }]))]).await;
    assert_eq!(count_subtasks(&gateway.service, None).await.unwrap(), 0, "nothing has ended in this attempt");
    let only = subtasks(&gateway, id).await.into_iter().find(|step| !first.contains(step)).unwrap();
    gateway.admit("web").await;
    gateway.tell(whole_way(&gateway.task(only).await)).await;
    count_subtasks(&gateway.service, None).await.unwrap();
    assert_eq!(gateway.phase(id).await, (TaskStatus::Completed, Phase::Done));
    gateway.assert_counters_match_the_tasks().await;
}

//! Paused projects and tiers: nothing new is released, what runs goes on, and those that wait are told why.

use protocol::ProjectId;
use protocol::events::TaskOptions;
use protocol::vocabulary::{Phase, TaskStatus, Tier};
use serde_json::json;

use super::fixture::*;
use crate::pauses::{self, PauseRequest};
use crate::tasks::queries::find_project_status;
use crate::tasks::submission::NewTask;
use crate::tasks::task::{Task, Waiting, WaitingReason};

fn project(id: &str) -> ProjectId {
    ProjectId::new(id).unwrap()
}

fn because(reason: &str) -> PauseRequest {
    PauseRequest { reason: Some(reason.to_owned()), by: Some("ann".to_owned()) }
}

fn pinned(project: &str, tier: Tier) -> NewTask {
    NewTask { options: TaskOptions { tier: Some(tier), ..TaskOptions::default() }, ..new_task(project) }
}

async fn waiting(gateway: &Fixture, task: &Task) -> Waiting {
    let task = gateway.reader.find(task.submission.id).await.unwrap().unwrap();
    assert_eq!(task.phase, Phase::Submitted);
    task.waiting.unwrap()
}

#[tokio::test]
async fn a_paused_project_releases_nothing_while_what_runs_goes_on() {
    let gateway = Fixture::new("paused").await;
    let running = gateway.submit(new_task("web")).await;
    let pause = pauses::pause_project(&gateway.service, &project("web"), &because("moving house")).await;
    let pause = pause.unwrap().unwrap();
    let newcomer = gateway.submit(new_task("web")).await;
    gateway.tell(vec![ready(&running), started(&running), output(&running), rejected(&running)]).await;
    gateway.pass_time(std::time::Duration::from_secs(5)).await;
    assert_eq!(gateway.admit("web").await, 0);
    for held in [&newcomer, &running] {
        let told = waiting(&gateway, held).await;
        assert_eq!(told.reason, WaitingReason::Pause);
        let words = format!("project web is paused since {} by ann: moving house", pause.since);
        assert_eq!(told.detail, Some(words));
    }
    let elsewhere = gateway.submit(new_task("app")).await;
    assert_eq!(elsewhere.phase, Phase::Routing);
    let status = find_project_status(&gateway.service, &project("web")).await.unwrap().unwrap();
    assert_eq!(status.paused, Some(pause));

    // Another replica, as after a restart, knows it too.
    let second = gateway.second();
    assert_eq!(second.admit("web").await, 0);
    assert!(pauses::resume_project(&second.service, &project("web")).await.unwrap());
    assert_eq!(second.admit("web").await, 2);
    assert!(!pauses::resume_project(&second.service, &project("unknown")).await.unwrap());
    let unknown =
        pauses::pause_project(&gateway.service, &project("unknown"), &PauseRequest::default()).await;
    assert_eq!(unknown.unwrap(), None);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_paused_tier_holds_what_is_known_to_go_there_and_nothing_else() {
    let gateway = Fixture::new("tier").await;
    let routed = gateway.submit(new_task("web")).await;
    gateway.tell(vec![ready(&routed)]).await;
    pauses::pause_tier(&gateway.service, &Tier::Small, &because("new machines")).await.unwrap();
    let held = gateway.submit(pinned("web", Tier::Small)).await;
    let free = gateway.submit(pinned("web", Tier::Large)).await;
    let open = gateway.submit(new_task("web")).await;
    gateway.admit("web").await;
    assert_eq!(gateway.task(free.submission.id).await.phase, Phase::Routing);
    assert_eq!(gateway.task(open.submission.id).await.phase, Phase::Routing);
    let told = waiting(&gateway, &held).await;
    assert_eq!(told.reason, WaitingReason::Pause);
    assert!(told.detail.unwrap().starts_with("tier small is paused since "));

    // What is in the tier already goes on; its next attempt is known to go there again.
    gateway.tell(vec![started(&routed), output(&routed), rejected(&routed)]).await;
    gateway.pass_time(std::time::Duration::from_secs(5)).await;
    gateway.admit("web").await;
    assert_eq!(waiting(&gateway, &routed).await.reason, WaitingReason::Pause);

    let paused = pauses::list_paused_tiers(&gateway.service).await.unwrap();
    assert_eq!(paused.len(), 1);
    pauses::resume_tier(&gateway.service, &Tier::Small).await.unwrap();
    gateway.tell(whole_way(&free)).await;
    gateway.admit("web").await;
    assert_eq!(gateway.phase(held.submission.id).await, (TaskStatus::Pending, Phase::Routing));
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_task_that_routing_finds_on_the_way_to_a_paused_tier_waits_for_it_and_loses_no_attempt() {
    let gateway = Fixture::new("withheld").await;
    pauses::pause_tier(&gateway.service, &Tier::Small, &because("new machines")).await.unwrap();
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    assert_eq!(gateway.paused_tiers_told(id), [json!(["small"])]);
    let failure = json!({ "code": "TIER_PAUSED", "message": "tier small is paused" });
    let withheld = json!({ "attempt": 1, "error": failure, "paused_tier": "small" });
    gateway.tell(vec![told("task.routing.failed", id, withheld.clone())]).await;
    let told_to_wait = waiting(&gateway, &task).await;
    assert_eq!(told_to_wait.reason, WaitingReason::Pause);
    assert!(told_to_wait.detail.unwrap().starts_with("tier small is paused since "));
    let held = gateway.task(id).await;
    assert_eq!((held.attempt, held.max_attempts, held.errors.len()), (2, task.max_attempts + 1, 0));
    assert_eq!(gateway.admit("web").await, 0);

    // What routing may still say about the attempt that it gave back is too late.
    gateway.tell(vec![ready(&task), told("task.routing.failed", id, withheld)]).await;
    assert_eq!(gateway.task(id).await.phase, Phase::Submitted);
    gateway.assert_counters_match_the_tasks().await;

    pauses::resume_tier(&gateway.service, &Tier::Small).await.unwrap();
    assert_eq!(gateway.admit("web").await, 1);
    assert_eq!(gateway.paused_tiers_told(id), [json!(["small"]), json!(null)]);
    gateway.tell(whole_way(&gateway.task(id).await)).await;
    assert_eq!(gateway.task(id).await.status, TaskStatus::Completed);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn nothing_is_released_after_a_pause_is_answered_however_busy_the_project_is() {
    let gateway = Fixture::new("busy").await;
    let second = gateway.second();
    for round in 0..10_u32 {
        let id = format!("project-{round}");
        let mut submissions = Vec::new();
        for _ in 0..6 {
            submissions.push(gateway.submitter.submit(new_task(&id)));
            submissions.push(second.submitter.submit(pinned(&id, Tier::Tiny)));
        }
        gateway.submit(new_task(&id)).await;
        let (of_project, of_tier) = (project(&id), because("enough"));
        let pausing = async {
            if round.is_multiple_of(2) {
                pauses::pause_project(&gateway.service, &of_project, &of_tier).await.unwrap();
            } else {
                pauses::pause_tier(&gateway.service, &Tier::Tiny, &of_tier).await.unwrap();
            }
            gateway.number(&released(&id, round)).await
        };
        let (before, _) = tokio::join!(pausing, futures_util::future::join_all(submissions));
        second.admit(&id).await;
        assert_eq!(gateway.number(&released(&id, round)).await, before, "round {round}");
        pauses::resume_tier(&gateway.service, &Tier::Tiny).await.unwrap();
    }
    gateway.assert_counters_match_the_tasks().await;
}

/// Counts the tasks that were released although the pause of the round is about them.
fn released(project: &str, round: u32) -> String {
    let tier = if round.is_multiple_of(2) { "" } else { "AND options ->> 'tier' = 'tiny'" };
    format!("SELECT count(*) FROM tasks WHERE project_id = '{project}' AND phase <> 'submitted' {tier}")
}

//! The order in which those that wait get a slot, the place that each is told, and that no project waits for another.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::ProjectId;
use protocol::vocabulary::{Phase, Priority};

use super::fixture::*;
use crate::reconcilers::admission::admit_in_projects;
use crate::reconcilers::schedule::Reconciler;
use crate::tasks::lifecycle::Rules;
use crate::tasks::submission::NewTask;
use crate::tasks::task::{Task, WaitingReason};

fn urgent(project: &str, priority: Priority) -> NewTask {
    NewTask { priority: Some(priority), ..new_task(project) }
}

/// Fills the project's slots.
async fn fill(gateway: &Fixture, project: &str) -> Vec<Task> {
    let mut running = Vec::new();
    for _ in 0..LIMIT {
        running.push(gateway.submit(new_task(project)).await);
    }
    running
}

#[tokio::test]
async fn a_low_task_that_waited_long_goes_before_urgent_newcomers() {
    let gateway = Fixture::new("ageing").await;
    let mut running = fill(&gateway, "web").await;
    let old = gateway.submit(urgent("web", Priority::Low)).await.submission.id;
    gateway.clock.advance(Rules::default().priority_step * 3 - Duration::from_secs(1));
    let sooner = gateway.submit(urgent("web", Priority::Critical)).await.submission.id;
    gateway.clock.advance(Duration::from_secs(2));
    let later = gateway.submit(urgent("web", Priority::Critical)).await.submission.id;
    for next in [sooner, old, later] {
        gateway.tell(whole_way(&running.remove(0))).await;
        assert_eq!(gateway.admit("web").await, 1);
        assert_eq!(gateway.task(next).await.phase, Phase::Routing);
    }
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_task_that_waits_is_told_its_place_and_the_places_follow_the_order_of_release() {
    let gateway = Fixture::new("place").await;
    let mut running = fill(&gateway, "web").await;
    fill(&gateway, "other").await;
    gateway.submit(new_task("other")).await;
    let mut waiting = Vec::new();
    for priority in [Priority::Low, Priority::Normal, Priority::Critical, Priority::Normal] {
        gateway.clock.advance(Duration::from_secs(1));
        waiting.push(gateway.submit(urgent("web", priority)).await.submission.id);
    }
    let expected = [(waiting[2], 1), (waiting[1], 2), (waiting[3], 3), (waiting[0], 4)];
    for (id, place) in expected {
        let task = gateway.reader.find(id).await.unwrap().unwrap();
        let told = task.waiting.unwrap();
        assert_eq!(told.reason, WaitingReason::Slot);
        let words = format!("place {place} in the queue of project web; {LIMIT} of {LIMIT} slots are taken");
        assert_eq!(told.detail, Some(words));
    }
    for (id, _) in expected {
        gateway.tell(whole_way(&running.remove(0))).await;
        gateway.admit("web").await;
        let released = gateway.task(id).await;
        assert_eq!(released.phase, Phase::Routing);
        running.push(released);
    }
}

#[tokio::test]
async fn each_project_gets_its_share_in_one_transaction_however_many_wait_elsewhere() {
    let gateway = Fixture::new("fair").await;
    let projects: Vec<ProjectId> =
        (0..8).map(|number| ProjectId::new(format!("project-{number}")).unwrap()).collect();
    let mut running = Vec::new();
    for project in &projects {
        running.extend(fill(&gateway, project.as_str()).await);
    }
    for _ in 0..40 {
        gateway.submit(new_task("project-0")).await;
    }
    for project in projects.iter().skip(1) {
        gateway.submit(new_task(project.as_str())).await;
    }
    gateway.tell(running.iter().flat_map(whole_way).collect()).await;
    let released = admit_in_projects(&gateway.service, &projects).await.unwrap();
    assert_eq!(released.tasks, LIMIT as usize + 7);
    assert!(released.unfinished.is_empty());
    let sql = "SELECT count(*) FROM projects WHERE project_id <> 'default' AND active = 0";
    assert_eq!(gateway.number(sql).await, 0, "nobody was left out");
    gateway.assert_counters_match_the_tasks().await;
}

/// Completions come from all projects; admission only hears of them by its calls, as in a running gateway.
#[tokio::test]
async fn hundreds_that_wait_in_many_projects_are_all_released_by_calls_alone() {
    let gateway = Fixture::new("many").await;
    let mut admission = crate::reconcilers::admission::Admission {
        service: gateway.service.clone(),
        interval: Duration::from_secs(3600),
    };
    let mut submissions = Vec::new();
    for number in 0..400 {
        let submitter = gateway.submitter.clone();
        submissions
            .push(async move { submitter.submit(new_task(&format!("project-{}", number % 20))).await });
    }
    futures_util::future::join_all(submissions).await;
    let open = "SELECT count(*) FROM tasks WHERE phase <> 'done'";
    let mut rounds = 0;
    while gateway.number(open).await > 0 {
        let client = gateway.database.client().await;
        let rows =
            client.query("SELECT task_id::text FROM tasks WHERE phase = 'routing'", &[]).await.unwrap();
        let mut events = Vec::new();
        let mut by_project: BTreeMap<ProjectId, u32> = BTreeMap::new();
        for row in rows {
            let task = gateway.task(row.get::<_, String>(0).parse().unwrap()).await;
            *by_project.entry(task.submission.project_id.clone()).or_default() += 1;
            events.extend(whole_way(&task));
        }
        assert!(!events.is_empty(), "everything waits and nothing runs");
        assert!(by_project.values().all(|&running| running <= LIMIT), "{by_project:?}");
        gateway.tell(events).await;
        admission.pass(false).await.unwrap();
        rounds += 1;
    }
    assert!(rounds <= 8, "20 tasks each through {LIMIT} slots: {rounds} rounds");
    gateway.assert_counters_match_the_tasks().await;
}

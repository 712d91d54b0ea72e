//! Lists and histories, page by page.

use std::time::Duration;

use protocol::vocabulary::{Phase, TaskStatus};
use protocol::{TaskId, Timestamp};

use super::fixture::*;
use crate::tasks::queries::{
    PageRequest, PageStart, TaskFilter, find_project_status, list_history, list_tasks,
};
use crate::tasks::submission::NewTask;

fn page(limit: u32, start: PageStart) -> PageRequest {
    PageRequest { limit, start }
}

#[tokio::test]
async fn pages_by_key_show_every_task_once_although_others_come_in() {
    let gateway = Fixture::new("pages").await;
    let tagged = || {
        let mut new = new_task("web");
        new.metadata.insert("tags".to_owned(), serde_json::json!(["nightly"]));
        new
    };
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(gateway.submit(tagged()).await.submission.id);
        gateway.clock.advance(Duration::from_millis(1));
    }
    ids.reverse();
    let any = TaskFilter::default();
    let of_tag = TaskFilter { tag: Some("nightly".to_owned()), ..TaskFilter::default() };
    let (mut total, mut expected) = (25, ids);
    for filter in [&any, &of_tag] {
        let mut seen: Vec<TaskId> = Vec::new();
        let mut start = PageStart::Offset(0);
        let mut new: Vec<TaskId> = Vec::new();
        loop {
            let found = list_tasks(&gateway.service, filter, &page(10, start)).await.unwrap();
            seen.extend(found.tasks.iter().map(|task| task.task_id));
            new.push(gateway.submit(tagged()).await.submission.id);
            gateway.clock.advance(Duration::from_millis(1));
            match found.next {
                Some(key) => start = PageStart::After(key),
                None => break,
            }
        }
        assert_eq!(seen, expected);
        total += new.len() as u64;
        expected.splice(0..0, new.into_iter().rev());
        let second = list_tasks(&gateway.service, filter, &page(10, PageStart::Offset(10))).await.unwrap();
        assert_eq!((second.total, second.total_is_estimate), (total, false));
        assert_eq!(second.tasks.first().map(|task| task.task_id), expected.get(10).copied());
    }
}

#[tokio::test]
async fn every_filter_takes_what_it_says() {
    let gateway = Fixture::new("filters").await;
    let begin = Timestamp::from(gateway.service.now());
    let tagged = |tag: &str| {
        let mut new = new_task("web");
        new.metadata.insert("tags".to_owned(), serde_json::json!([tag, "all", tag]));
        new
    };
    let red = gateway.submit(tagged("red")).await;
    gateway.clock.advance(Duration::from_secs(10));
    let blue = gateway.submit(NewTask { description: "x".repeat(500), ..tagged("blue") }).await;
    let other = gateway.submit(new_task("mobile")).await;
    gateway.tell(whole_way(&red)).await;
    let (red, blue, other) = (red.submission.id, blue.submission.id, other.submission.id);
    let any = TaskFilter::default();
    let tag = |tag: &str| Some(tag.to_owned());
    let project = |id: &str| Some(protocol::ProjectId::new(id).unwrap());
    let cases = [
        (any.clone(), vec![red, blue, other]),
        (TaskFilter { project_id: project("mobile"), ..any.clone() }, vec![other]),
        (TaskFilter { project_id: project("nowhere"), ..any.clone() }, vec![]),
        (TaskFilter { statuses: vec![TaskStatus::Completed, TaskStatus::Failed], ..any.clone() }, vec![red]),
        (TaskFilter { phases: vec![Phase::Routing], ..any.clone() }, vec![blue, other]),
        (
            TaskFilter { tier: Some("small".into()), domain: Some("code-general".into()), ..any.clone() },
            vec![red],
        ),
        (TaskFilter { tier: Some("frontier".into()), ..any.clone() }, vec![]),
        (TaskFilter { tag: tag("all"), ..any.clone() }, vec![red, blue]),
        (TaskFilter { tag: tag("blue"), ..any.clone() }, vec![blue]),
        (TaskFilter { tag: tag("re"), ..any.clone() }, vec![]),
        (TaskFilter { tag: tag("all"), project_id: project("web"), ..any.clone() }, vec![red, blue]),
        (TaskFilter { tag: tag("all"), project_id: project("mobile"), ..any.clone() }, vec![]),
        (
            TaskFilter { tag: tag("all"), within: Some(project("web").into_iter().collect()), ..any.clone() },
            vec![red, blue],
        ),
        (TaskFilter { tag: tag("all"), within: Some(Vec::new()), ..any.clone() }, vec![]),
        (TaskFilter { tag: tag("all"), created_after: Some(begin), ..any.clone() }, vec![blue]),
        (
            TaskFilter {
                tag: tag("all"),
                created_before: Some((*begin + Duration::from_secs(1)).into()),
                ..any.clone()
            },
            vec![red],
        ),
        (TaskFilter { tag: tag("all"), statuses: vec![TaskStatus::Completed], ..any.clone() }, vec![red]),
        (
            TaskFilter { statuses: vec![TaskStatus::Completed], phases: vec![Phase::Routing], ..any.clone() },
            vec![],
        ),
        (TaskFilter { phases: vec![Phase::Done, Phase::Routing], ..any.clone() }, vec![red, blue, other]),
        (TaskFilter { created_after: Some(begin), ..any.clone() }, vec![blue, other]),
        (
            TaskFilter { created_before: Some((*begin + Duration::from_secs(1)).into()), ..any.clone() },
            vec![red],
        ),
        (TaskFilter { parent_id: Some(red), ..any.clone() }, vec![]),
    ];
    for (filter, mut expected) in cases {
        let found = list_tasks(&gateway.service, &filter, &page(50, PageStart::Offset(0))).await.unwrap();
        let mut ids: Vec<TaskId> = found.tasks.iter().map(|task| task.task_id).collect();
        ids.sort();
        expected.sort();
        assert_eq!((found.total, ids), (expected.len() as u64, expected), "{filter:?}");
        assert!(found.tasks.iter().all(|task| task.description.chars().count() <= 200));
    }
}

#[tokio::test]
async fn a_history_is_shown_in_order_page_by_page() {
    let gateway = Fixture::new("history").await;
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    gateway.tell(whole_way(&task)).await;
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let found = list_history(&gateway.service, id, after, 2).await.unwrap().unwrap();
        events.extend(found.entries.iter().map(|entry| entry.event.clone()));
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        events,
        ["task.submitted", "task.ready", "task.started", "task.output.created", "task.validated"]
    );
    assert_eq!(list_history(&gateway.service, TaskId::generate(), None, 2).await.unwrap(), None);
    let beyond = list_history(&gateway.service, id, Some(u64::MAX), 2).await.unwrap().unwrap();
    assert!(beyond.entries.is_empty());
}

#[tokio::test]
async fn a_project_is_known_with_its_first_task() {
    let gateway = Fixture::new("project").await;
    let project = protocol::ProjectId::new("web").unwrap();
    assert_eq!(find_project_status(&gateway.service, &project).await.unwrap(), None);
    gateway.submit(new_task("web")).await;
    let status = find_project_status(&gateway.service, &project).await.unwrap().unwrap();
    assert_eq!((status.by_status[&TaskStatus::Pending], status.active, status.max_concurrent), (1, 1, LIMIT));
    assert_eq!((status.success_rate, status.average_execution_time_ms), (None, None));
    let default = find_project_status(&gateway.service, &protocol::ProjectId::default()).await.unwrap();
    assert!(default.is_some(), "the default project is always there");
}

#[tokio::test]
async fn many_who_ask_at_once_each_get_their_own_task() {
    let gateway = Fixture::new("reader").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(gateway.submit(new_task("web")).await.submission.id);
    }
    ids.push(TaskId::generate());
    let questions = ids.iter().cycle().take(600).map(|&id| {
        let reader = gateway.reader.clone();
        async move { (id, reader.find(id).await.unwrap()) }
    });
    let unknown = ids.last().copied().unwrap();
    for (id, answer) in futures_util::future::join_all(questions).await {
        assert_eq!(answer.map(|task| task.submission.id), (id != unknown).then_some(id));
    }
    let left = gateway.submit(new_task("web")).await;
    let found = gateway.reader.find(left.submission.id).await.unwrap();
    assert_eq!(found.map(|task| task.sequence), Some(left.sequence), "what is stored is found at once");
}

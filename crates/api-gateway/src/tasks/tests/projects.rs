//! Projects as their owners see them, and what they do to their tasks.

use futures_util::future::join_all;
use protocol::ProjectId;
use protocol::vocabulary::{ExecutionMode, Phase, QaProfile};
use serde_json::json;

use super::fixture::*;
use crate::projects::catalogue::{
    ProjectError, ProjectsFrom, change_project, create_project, delete_project, find_project, list_projects,
};
use crate::projects::project::{Change, ConfigChange, NewProject, ProjectChange, ProjectConfig};
use crate::tasks::queries::{find_task_tree, list_project_tasks};
use crate::tasks::submission::{LeftOpen, Naming, NewTask};

fn id(text: &str) -> ProjectId {
    ProjectId::new(text).unwrap()
}

fn project(name: &str) -> NewProject {
    NewProject {
        id: id(name),
        name: name.to_owned(),
        description: String::new(),
        repo_url: None,
        config: ProjectConfig::default(),
    }
}

#[tokio::test]
async fn a_project_is_made_shown_changed_and_deleted() {
    let gateway = Fixture::new("catalogue").await;
    let service = &gateway.service;
    let made = create_project(service, &project("web")).await.unwrap();
    assert_eq!(find_project(service, &made.id).await.unwrap(), made);
    let again = create_project(service, &project("web")).await;
    assert!(matches!(again, Err(ProjectError::Exists(_))), "{again:?}");

    gateway.clock.advance(std::time::Duration::from_secs(1));
    let config = ConfigChange { qa_profile: Change::Set(QaProfile::Security), ..ConfigChange::default() };
    let change = ProjectChange { config, repo_url: Change::Set("r".to_owned()), ..ProjectChange::default() };
    change_project(service, &made.id, change).await.unwrap();
    let config = ConfigChange { max_concurrent: Change::Set(5), ..ConfigChange::default() };
    let change = ProjectChange { config, name: Some("Web".to_owned()), ..ProjectChange::default() };
    let changed = change_project(service, &made.id, change).await.unwrap();
    assert_eq!(find_project(service, &made.id).await.unwrap(), changed);
    assert_eq!((changed.name.as_str(), changed.repo_url.as_deref()), ("Web", Some("r")));
    assert_eq!(
        (changed.config.qa_profile, changed.config.max_concurrent),
        (Some(QaProfile::Security), Some(5))
    );
    assert!(changed.updated_at > made.updated_at);

    let within = [ProjectId::new("nothing").unwrap()];
    let start = ProjectsFrom::Offset(0);
    assert_eq!(list_projects(service, Some(&within), 10, &start).await.unwrap().total, 0, "bound to others");
    let listed = list_projects(service, None, 1, &start).await.unwrap();
    assert_eq!((listed.total, listed.projects.len()), (2, 1), "the default project is there too");
    let rest = list_projects(service, None, 1, &ProjectsFrom::After(listed.next.unwrap())).await.unwrap();
    assert_eq!((rest.projects.len(), rest.next), (1, None));
    assert_ne!(rest.projects[0].id, listed.projects[0].id);
    let config =
        ConfigChange { qa_profile: Change::Unset, max_concurrent: Change::Unset, ..ConfigChange::default() };
    let change = ProjectChange { config, repo_url: Change::Unset, ..ProjectChange::default() };
    let unset = change_project(service, &made.id, change).await.unwrap();
    assert_eq!((unset.config, unset.repo_url), (ProjectConfig::default(), None));
    delete_project(service, &made.id).await.unwrap();
    let gone = delete_project(service, &made.id).await;
    assert!(matches!(gone, Err(ProjectError::NotFound(_))), "{gone:?}");
    let change = change_project(service, &made.id, ProjectChange::default()).await;
    assert!(matches!(change, Err(ProjectError::NotFound(_))), "{change:?}");
}

#[tokio::test]
async fn a_project_with_tasks_and_the_default_project_stay() {
    let gateway = Fixture::new("stay").await;
    gateway.submit(new_task("web")).await;
    let refused = delete_project(&gateway.service, &id("web")).await;
    assert!(matches!(refused, Err(ProjectError::NotEmpty(_))), "{refused:?}");
    let refused = delete_project(&gateway.service, &ProjectId::default()).await;
    assert!(matches!(refused, Err(ProjectError::Default)), "{refused:?}");
    assert_eq!(find_project(&gateway.service, &id("web")).await.unwrap().task_count, 1);
}

#[tokio::test]
async fn a_project_that_is_deleted_while_tasks_come_in_loses_none() {
    let gateway = Fixture::new("race").await;
    let web = id("web");
    for _ in 0..10 {
        let submit = join_all((0..4).map(|_| gateway.submitter.submit(new_task("web"))));
        let delete = join_all((0..4).map(|_| delete_project(&gateway.service, &web)));
        let (submitted, _) = tokio::join!(submit, delete);
        assert!(submitted.iter().all(Result::is_ok), "{submitted:?}");
    }
    assert_eq!(find_project(&gateway.service, &web).await.unwrap().task_count, 40);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn the_number_of_slots_takes_effect_at_once() {
    let gateway = Fixture::new("slots").await;
    let config = ProjectConfig { max_concurrent: Some(1), ..ProjectConfig::default() };
    create_project(&gateway.service, &NewProject { config, ..project("web") }).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        tasks.push(gateway.submit(new_task("web")).await);
    }
    let released = tasks.iter().filter(|task| task.phase == Phase::Routing).count();
    assert_eq!(released, 1);
    let config = ConfigChange { max_concurrent: Change::Set(3), ..ConfigChange::default() };
    let change = ProjectChange { config, ..ProjectChange::default() };
    change_project(&gateway.service, &id("web"), change).await.unwrap();
    gateway.admit("web").await;
    assert_eq!(gateway.number("SELECT count(*) FROM tasks WHERE phase = 'routing'").await, 3);
}

#[tokio::test]
async fn what_a_submitter_leaves_open_the_project_decides() {
    let gateway = Fixture::new("defaults").await;
    let config = ProjectConfig {
        qa_profile: Some(QaProfile::Security),
        default_mode: Some(ExecutionMode::Collaborative),
        escalate_tier: Some(false),
        max_concurrent: None,
    };
    create_project(&gateway.service, &NewProject { config, ..project("web") }).await.unwrap();
    let rules = json!({ "language": "Rust" }).as_object().cloned();
    let change = ProjectChange { constitution: rules.clone(), ..ProjectChange::default() };
    change_project(&gateway.service, &id("web"), change).await.unwrap();

    let open = LeftOpen { mode: true, escalate_tier: true };
    let filled =
        gateway.submitter.submit_open(new_task("web"), open, Naming::of(None, 0)).await.unwrap().submission;
    assert_eq!(filled.execution_mode, ExecutionMode::Collaborative);
    assert_eq!((filled.options.qa_profile, filled.options.escalate_tier), (Some(QaProfile::Security), false));
    assert_eq!(filled.constitution, rules);

    let mut own = NewTask { constitution: json!({ "own": 1 }).as_object().cloned(), ..new_task("web") };
    own.options.qa_profile = Some(QaProfile::None);
    let kept = gateway.submit(own.clone()).await.submission;
    assert_eq!((kept.execution_mode, &kept.options), (ExecutionMode::Autonomous, &own.options));
    assert_eq!(kept.constitution, own.constitution);
}

#[tokio::test]
async fn a_projects_tasks_are_listed_by_page_with_their_number() {
    let gateway = Fixture::new("pages-of-project").await;
    for _ in 0..5 {
        gateway.submit(NewTask { description: "x".repeat(300), ..new_task("web") }).await;
    }
    gateway.submit(new_task("mobile")).await;
    let page = list_project_tasks(&gateway.service, &id("web"), 2, 4).await.unwrap().unwrap();
    assert_eq!((page.total, page.tasks.len()), (5, 1));
    assert_eq!(page.tasks[0].description.chars().count(), 200);
    assert_eq!(list_project_tasks(&gateway.service, &id("nowhere"), 2, 0).await.unwrap(), None);
}

#[tokio::test]
async fn a_tree_shows_a_task_and_all_below_it() {
    let gateway = Fixture::new("tree").await;
    let parent = gateway.submit(new_task("web")).await;
    let plan = json!({ "attempt": parent.attempt, "subtasks": [
        { "id": "design", "description": "design it", "is_atomic": false },
        { "id": "build", "description": "build it", "dependencies": ["design"] },
    ] });
    gateway.tell(vec![told("task.decomposed", parent.submission.id, plan)]).await;
    let tree = find_task_tree(&gateway.service, parent.submission.id).await.unwrap().unwrap();
    let mut names: Vec<&str> = tree.children.iter().map(|child| child.description.as_str()).collect();
    names.sort_unstable();
    assert_eq!((tree.task_id, names), (parent.submission.id, vec!["build it", "design it"]));

    gateway.admit("web").await;
    let plan = json!({ "attempt": 1, "subtasks": [{ "id": "draw", "description": "draw it" }] });
    let design = tree.children.iter().find(|child| child.description == "design it").unwrap();
    gateway.tell(vec![told("task.decomposed", design.task_id, plan)]).await;
    let tree = find_task_tree(&gateway.service, parent.submission.id).await.unwrap().unwrap();
    let below: Vec<usize> = tree.children.iter().map(|child| child.children.len()).collect();
    assert_eq!(below.iter().sum::<usize>(), 1);
    let of_subtask = find_task_tree(&gateway.service, design.task_id).await.unwrap().unwrap();
    assert_eq!(of_subtask.children[0].description, "draw it");
    let unknown = find_task_tree(&gateway.service, protocol::TaskId::generate()).await.unwrap();
    assert_eq!(unknown, None);
}

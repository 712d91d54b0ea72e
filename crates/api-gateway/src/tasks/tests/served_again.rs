//! Requests with an idempotency key that are served again, as after a crash before their answer was stored: they find
//! what they did and do nothing more.

use protocol::ProjectId;
use protocol::vocabulary::{Phase, ReviewDecision, TaskStatus};
use serde_json::json;

use super::fixture::*;
use crate::idempotency::OperationId;
use crate::projects::catalogue::{ProjectError, create_project};
use crate::projects::project::{NewProject, ProjectConfig};
use crate::reviews::answer::answer_review;
use crate::reviews::{Answer, ReviewId};
use crate::tasks::TaskService;
use crate::tasks::asked::AskError;
use crate::tasks::cancellation::cancel_task;
use crate::tasks::retry::{RetryError, retry_task};
use crate::webhooks::registry::{create_webhook, list_webhooks};
use crate::webhooks::secret::Secret;
use crate::webhooks::subscription::NewWebhook;

/// The use cases as one request with a key has them.
fn request(gateway: &Fixture) -> TaskService {
    gateway.service.serving(Some(OperationId::generate()))
}

#[tokio::test]
async fn cancelling_and_retrying_again_is_answered_as_the_first_time() {
    let gateway = Fixture::new("again").await;
    let task = gateway.submit(new_task("web")).await;
    let id = task.submission.id;
    gateway.tell(vec![ready(&task), started(&task)]).await;
    let cancelling = request(&gateway);
    let first = cancel_task(&cancelling, id, None).await.unwrap();
    assert_eq!(first.previous_status, TaskStatus::Running);

    let retrying = request(&gateway);
    let (one, same) = (retry_task(&retrying, id).await.unwrap(), retry_task(&retrying, id).await.unwrap());
    assert_eq!((one.attempt, same.attempt, same.phase), (2, 2, Phase::Submitted));
    let other = retry_task(&request(&gateway), id).await;
    assert!(
        matches!(other, Err(RetryError::Ask(AskError::WrongState { phase: Phase::Submitted, .. }))),
        "{other:?}"
    );

    let again = cancel_task(&cancelling, id, None).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(gateway.task(id).await.status, TaskStatus::Pending, "the retry came after it");
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn an_answer_to_a_review_is_given_once() {
    let gateway = Fixture::new("answered").await;
    let task = gateway.submit(new_task("web")).await;
    let asked = json!({ "review_id": "r", "artifact_id": "a", "reason": "unsure" });
    let asked = told("review.requested", task.submission.id, asked);
    gateway.tell(vec![ready(&task), started(&task), output(&task), asked]).await;
    let answer = Answer {
        decision: ReviewDecision::Approved,
        comments: None,
        required_changes: Vec::new(),
        reviewer: Some("ann".to_owned()),
    };
    let id: ReviewId = "r".parse().unwrap();
    let answering = request(&gateway);
    for _ in 0..2 {
        let after = answer_review(&answering, &id, &answer).await.unwrap();
        assert_eq!(after.status, TaskStatus::Completed);
    }
    assert!(answer_review(&request(&gateway), &id, &answer).await.is_err());
    let told = gateway.announced_about(task.submission.id);
    assert_eq!(told.iter().filter(|key| *key == "review.completed").count(), 1, "{told:?}");
}

#[tokio::test]
async fn what_a_request_made_is_found_and_not_made_twice() {
    let gateway = Fixture::new("made").await;
    let id = ProjectId::new("web").unwrap();
    let new = NewProject {
        id: id.clone(),
        name: "Web".to_owned(),
        description: String::new(),
        repo_url: None,
        config: ProjectConfig::default(),
    };
    let making = request(&gateway);
    let first = create_project(&making, &new).await.unwrap();
    assert_eq!(create_project(&making, &new).await.unwrap(), first);
    let other = create_project(&request(&gateway), &new).await;
    assert!(matches!(other, Err(ProjectError::Exists(_))));

    let hook = || NewWebhook {
        url: "https://hooks.example".to_owned(),
        statuses: Vec::new(),
        description: String::new(),
        secret: Secret::generate(),
    };
    let first = create_webhook(&making, &id, &hook(), 1).await.unwrap();
    let again = create_webhook(&making, &id, &hook(), 1).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(list_webhooks(&gateway.service, &id).await.unwrap().len(), 1);
}

//! Questions to people: asked with the task, answered once, whoever answers and however often.

use protocol::events::EventData;
use protocol::vocabulary::{Phase, ReviewDecision, TaskStatus};
use protocol::{Event, TaskId};
use serde_json::{Value, json};

use super::fixture::*;
use crate::reviews::answer::{AnswerError, answer_review};
use crate::reviews::queries::{ReviewFilter, find_review, list_reviews};
use crate::reviews::{Answer, ReviewId, ReviewStatus};
use crate::tasks::cancellation::cancel_task;
use crate::tasks::task::Task;

fn asked(task: TaskId, review_id: &str, members: Value) -> Event {
    let mut body = json!({ "review_id": review_id, "reason": "unsure" });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    told("review.requested", task, body)
}

/// A task whose output a person is asked about.
async fn in_review(gateway: &Fixture, project: &str, review_id: &str, members: Value) -> Task {
    let task = gateway.submit(new_task(project)).await;
    let id = task.submission.id;
    gateway.tell(vec![ready(&task), started(&task), output(&task), asked(id, review_id, members)]).await;
    gateway.task(id).await
}

fn answer(decision: ReviewDecision) -> Answer {
    let comments = Some("name the unit".to_owned());
    Answer { decision, comments, required_changes: vec!["kelvin".to_owned()], reviewer: None }
}

fn id(text: &str) -> ReviewId {
    text.parse().unwrap()
}

async fn status(gateway: &Fixture, review: &str) -> ReviewStatus {
    find_review(&gateway.service, &id(review)).await.unwrap().unwrap().0.status
}

async fn pending(gateway: &Fixture, filter: ReviewFilter) -> Vec<String> {
    let page = list_reviews(&gateway.service, &filter, 10, 0).await.unwrap();
    assert_eq!(page.total, page.reviews.len() as u64);
    page.reviews.iter().map(|review| review.id.to_string()).collect()
}

#[tokio::test]
async fn pending_reviews_are_listed_by_urgency_then_age_and_found_by_project_and_priority() {
    let gateway = Fixture::new("reviews").await;
    in_review(&gateway, "web", "old", json!({})).await;
    gateway.clock.advance(std::time::Duration::from_secs(1));
    in_review(&gateway, "web", "new", json!({ "priority": "medium" })).await;
    in_review(&gateway, "app", "urgent", json!({ "priority": "critical", "specific_questions": ["why?"] }))
        .await;
    assert_eq!(pending(&gateway, ReviewFilter::default()).await, ["urgent", "old", "new"]);
    let of_web = ReviewFilter { project_id: Some("web".parse().unwrap()), within: None, priority: None };
    assert_eq!(pending(&gateway, of_web).await, ["old", "new"]);
    let critical =
        ReviewFilter { project_id: None, within: None, priority: Some("critical".parse().unwrap()) };
    assert_eq!(pending(&gateway, critical).await, ["urgent"]);
    let (review, task) = find_review(&gateway.service, &id("urgent")).await.unwrap().unwrap();
    assert_eq!((review.questions, review.attempt, task.phase), (vec!["why?".to_owned()], 1, Phase::InReview));
    assert!(find_review(&gateway.service, &id("unknown")).await.unwrap().is_none());
}

#[tokio::test]
async fn an_answer_changes_the_task_and_is_announced_and_its_own_echo_changes_nothing() {
    let gateway = Fixture::new("answer").await;
    let task = in_review(&gateway, "web", "r", json!({})).await;
    let after =
        answer_review(&gateway.service, &id("r"), &answer(ReviewDecision::ChangesRequested)).await.unwrap();
    assert_eq!((after.attempt, after.phase), (2, Phase::Submitted));
    assert_eq!(after.feedback.last().unwrap().message, "name the unit");
    assert_eq!(status(&gateway, "r").await, ReviewStatus::ChangesRequested);
    let announced = gateway.announced();
    let completed =
        announced.iter().find(|event| matches!(event.data, EventData::ReviewCompleted(_))).unwrap();
    assert_eq!(completed.trace_id, Some(task.submission.trace_id));
    let changed = announced.last().unwrap();
    let named = announced.iter().any(|event| event.causation_id == Some(completed.id));
    assert!(named, "the change of status names its cause: {changed:?}");
    let history = gateway.history_words(task.submission.id).await;
    gateway.tell(vec![completed.clone()]).await;
    assert_eq!(gateway.history_words(task.submission.id).await, history);
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_review_takes_one_answer_even_of_two_people_at_once() {
    let gateway = Fixture::new("twice").await;
    let second = gateway.second();
    for round in 0..10 {
        let review = id(&format!("r-{round}"));
        let task = in_review(&gateway, &format!("p-{round}"), review.as_str(), json!({})).await;
        let (yes, no) = (answer(ReviewDecision::Approved), answer(ReviewDecision::Rejected));
        let (one, other) = tokio::join!(
            answer_review(&gateway.service, &review, &yes),
            answer_review(&second.service, &review, &no)
        );
        let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
        let status = won.unwrap().status;
        let expected = match status {
            TaskStatus::Completed => ReviewStatus::Approved,
            _ => ReviewStatus::Rejected,
        };
        assert!(matches!(lost, Err(AnswerError::NotPending { status }) if status == expected), "{lost:?}");
        assert_eq!(gateway.task(task.submission.id).await.status, status);
        let announced =
            [gateway.announced_about(task.submission.id), second.announced_about(task.submission.id)];
        assert_eq!(announced.iter().flatten().filter(|key| *key == "review.completed").count(), 1);
    }
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn a_review_whose_task_went_on_without_an_answer_is_withdrawn() {
    let gateway = Fixture::new("withdrawn").await;
    let cancelled = in_review(&gateway, "web", "cancelled", json!({})).await;
    cancel_task(&gateway.service, cancelled.submission.id, None).await.unwrap();
    let judged = in_review(&gateway, "web", "judged", json!({})).await;
    gateway.tell(vec![validated(&judged)]).await;
    for review in ["cancelled", "judged"] {
        assert_eq!(status(&gateway, review).await, ReviewStatus::Withdrawn);
        let refused = answer_review(&gateway.service, &id(review), &answer(ReviewDecision::Approved)).await;
        let withdrawn = matches!(refused, Err(AnswerError::NotPending { status: ReviewStatus::Withdrawn }));
        assert!(withdrawn, "{refused:?}");
    }
    let unknown = answer_review(&gateway.service, &id("unknown"), &answer(ReviewDecision::Approved)).await;
    assert!(matches!(unknown, Err(AnswerError::NotFound)), "{unknown:?}");
    assert!(pending(&gateway, ReviewFilter::default()).await.is_empty());
}

#[tokio::test]
async fn the_answer_of_an_outsider_closes_the_review_and_an_id_may_be_used_again() {
    let gateway = Fixture::new("outsider").await;
    let first = in_review(&gateway, "web", "r", json!({})).await;
    let members = json!({ "review_id": "r", "decision": "approved" });
    gateway.tell(vec![told("review.completed", first.submission.id, members)]).await;
    assert_eq!(gateway.task(first.submission.id).await.status, TaskStatus::Completed);
    assert_eq!(status(&gateway, "r").await, ReviewStatus::Approved);
    let second = in_review(&gateway, "web", "r", json!({})).await;
    assert_eq!(status(&gateway, "r").await, ReviewStatus::Pending);
    let after = answer_review(&gateway.service, &id("r"), &answer(ReviewDecision::Approved)).await.unwrap();
    assert_eq!((after.submission.id, after.status), (second.submission.id, TaskStatus::Completed));
}

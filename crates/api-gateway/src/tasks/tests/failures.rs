//! What failed last, and how many failed at all.

use std::time::Duration;

use super::fixture::*;
use crate::tasks::queries::list_failures;
use crate::tasks::retry::retry_task;

#[tokio::test]
async fn failures_are_listed_newest_first_and_one_that_is_tried_again_is_none_any_more() {
    let gateway = Fixture::new("failures").await;
    let mut failed = Vec::new();
    for project in ["app", "web", "web"] {
        let task = gateway.submit(new_task(project)).await;
        let error = serde_json::json!({ "code": "BROKEN", "message": "no disk", "retryable": false });
        let members = serde_json::json!({ "attempt": 1, "error": error });
        gateway.tell(vec![ready(&task), told("task.failed", task.submission.id, members)]).await;
        gateway.clock.advance(Duration::from_secs(1));
        failed.push(task.submission.id);
    }
    let found = list_failures(&gateway.service, 2).await.unwrap();
    assert_eq!(found.total, 3);
    let ids: Vec<_> = found.failures.iter().map(|failure| failure.task_id).collect();
    assert_eq!(ids, [failed[2], failed[1]]);
    let first = &found.failures[0];
    assert_eq!((first.error.code.as_str(), first.error.message.as_str()), ("BROKEN", "no disk"));
    assert_eq!(first.tier.as_ref().map(|tier| tier.as_str()), Some("small"));
    retry_task(&gateway.service, failed[2]).await.unwrap();
    let found = list_failures(&gateway.service, 10).await.unwrap();
    assert_eq!((found.total, found.failures.len()), (2, 2));
}

//! Services killed with SIGKILL under load: everything that was accepted completes, with one verdict per attempt.

use end_to_end::{Plan, Role};
use test_support::wait_for;

use super::load::{LOAD_TIME, all_completed, assert_nothing_lost, submit_many};

/// Tasks of a load.
const TASKS: usize = 200;

async fn survives_the_crash_of(role: Role, project: &'static str) {
    let mut stack = Plan::new().start().await;
    let _stand_ins = stack.stand_ins();
    let client = stack.client();
    let submitting = tokio::spawn(submit_many(client.clone(), project, TASKS));
    for threshold in [20, 80] {
        let what = format!("{threshold} tasks of the load are completed");
        wait_for(&what, LOAD_TIME, || async {
            let answer = client.get(&format!("/projects/{project}/status")).await;
            (answer.json["by_status"]["completed"].as_u64()? >= threshold).then_some(())
        })
        .await;
        stack.crash(role).await;
    }
    let task_ids = submitting.await.unwrap();
    assert_eq!(task_ids.len(), TASKS);
    all_completed(&client, project, TASKS).await;
    assert_nothing_lost(&stack, project, &task_ids).await;
}

#[tokio::test]
async fn a_gateway_that_is_killed_under_load_loses_nothing() {
    survives_the_crash_of(Role::Gateway, "gateway-killed").await;
}

#[tokio::test]
async fn a_routing_engine_that_is_killed_under_load_loses_nothing() {
    survives_the_crash_of(Role::Routing, "routing-killed").await;
}

#[tokio::test]
async fn a_provenance_store_that_is_killed_under_load_loses_nothing() {
    survives_the_crash_of(Role::Provenance, "provenance-killed").await;
}

//! Two gateways on one database: either answers for all tasks, limits hold across both, one may go.

use end_to_end::{Plan, Role};
use serde_json::json;
use test_support::wait_for;

#[tokio::test]
async fn two_gateways_share_tasks_limits_and_work() {
    let limit = "DATS_TASK_MANAGEMENT__MAX_CONCURRENT_PER_PROJECT";
    let mut stack = Plan::new()
        .with_second_gateway()
        .setting(Role::Gateway, limit, "3")
        .setting(Role::SecondGateway, limit, "3")
        .start()
        .await;
    let (one, two) = (stack.client(), stack.client_of(Role::SecondGateway));
    let mut task_ids = Vec::new();
    for number in 0..10 {
        let client = if number % 2 == 0 { &one } else { &two };
        task_ids.push(client.submit_text("shared", &format!("Write function {number}")).await);
    }
    let what = "three tasks are ready for a worker";
    wait_for(what, end_to_end::client::TASK_TIME, || async {
        let ready = two.get("/tasks?project_id=shared&phase=ready").await;
        (ready.json["total"] == 3).then_some(())
    })
    .await;
    let waiting = one.get("/tasks?project_id=shared&phase=submitted").await;
    assert_eq!(waiting.json["total"], 7, "{}", waiting.text);

    let _stand_ins = stack.stand_ins();
    for task_id in &task_ids[..5] {
        assert_eq!(two.ended(task_id).await["status"], "completed");
    }
    // What the first one was doing, the second one finishes.
    drop(stack.kill(Role::Gateway).await);
    for task_id in &task_ids {
        let task = two.ended(task_id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)));
    }
    let counts = two.counts("shared").await;
    assert_eq!(
        (&counts["completed"], &counts["pending"], &counts["running"]),
        (&json!(10), &json!(0), &json!(0))
    );
}

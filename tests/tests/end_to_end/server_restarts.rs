//! The broker's and the database's processes stopped and killed under load, and started again: whatever was accepted
//! completes, and nothing needs a restart of ours.

use std::time::Duration;

use end_to_end::{Client, Plan, Role, Stack};
use test_support::{OwnServers, wait_for};

use super::load::{LOAD_TIME, all_completed, assert_nothing_lost, submit_many};

/// Tasks that are on their way when it happens.
const BEFORE: usize = 60;
/// Tasks that are handed in while it happens.
const MEANWHILE: usize = 20;
/// Long enough that most tasks are under way when a server goes.
const WORK_TIME: Duration = Duration::from_millis(200);

async fn some_completed(client: &Client, project: &str) {
    let what = format!("some tasks of {project} are completed");
    wait_for(&what, LOAD_TIME, || async {
        let answer = client.get(&format!("/projects/{project}/status")).await;
        (answer.json["by_status"]["completed"].as_u64()? >= 5).then_some(())
    })
    .await;
}

/// Gives the orders one after the other, with work under way and new work coming in.
async fn survives(stack: &Stack, servers: &OwnServers, orders: &[&str], project: &'static str) {
    let client = stack.client();
    let mut task_ids = submit_many(client.clone(), project, BEFORE).await;
    some_completed(&client, project).await;
    let orders = async {
        for order in orders {
            servers.order(order).await;
        }
    };
    let (accepted, ()) = tokio::join!(submit_many(client.clone(), project, MEANWHILE), orders);
    task_ids.extend(accepted);
    all_completed(&client, project, BEFORE + MEANWHILE).await;
    assert_nothing_lost(stack, project, &task_ids).await;
}

#[tokio::test]
async fn servers_that_are_restarted_and_killed_under_load_cost_no_task() {
    let servers = OwnServers::start().await;
    let mut stack = Plan::new().on(servers.servers()).start().await;
    let _worker = stack.worker(|settings| settings.duration = WORK_TIME);
    let _qa = stack.qa();
    survives(&stack, &servers, &["restart-broker"], "broker-restarted").await;
    survives(&stack, &servers, &["restart-database"], "database-restarted").await;
    survives(&stack, &servers, &["kill-broker", "start-broker"], "broker-killed").await;
    survives(&stack, &servers, &["kill-database", "start-database"], "database-killed").await;
    for role in [Role::Gateway, Role::Routing, Role::Provenance] {
        assert!(stack.is_running(role), "{role:?}");
    }
}

//! The lane and the stand-in agent, which share no code, understand each other.

use std::time::Duration;

use protocol::events::{JsonObject, TaskCreated};
use protocol::vocabulary::Priority;
use serde_json::{Value, json};
use stand_ins::agent::{Agent, AgentSettings, CancelHabit, Habits, Identity};
use test_support::{PATIENCE, wait_for, wait_until};
use uuid::Uuid;

use crate::lane::{Lane, cancelled, created, data, task};

async fn join(lane: &Lane, habits: Habits) -> Agent {
    let agent = Agent::start(AgentSettings { habits, ..AgentSettings::new(lane.broker.url()) }).unwrap();
    wait_until("the agent to take work", PATIENCE, || async {
        lane.broker.consumer_count("work_queue").await == Some(1)
    })
    .await;
    agent
}

fn echo(message: &str, priority: Priority) -> TaskCreated {
    let parameters = JsonObject::from_iter([("message".to_owned(), json!(message))]);
    TaskCreated { priority, parameters: Some(parameters), ..task("echo") }
}

fn slow_echo(time: Duration) -> Habits {
    Habits { slow_echo: time, progress_steps: 1, ..Habits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_from_its_first_step_to_its_result() {
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("task.events", "task.#").await;
    let agent = join(&lane, slow_echo(Duration::from_millis(10))).await;
    let job = task("slow_echo");
    lane.publish(&created(job.clone())).await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|(name, _)| name != "task.completed") {
        let message = lane.broker.next_message(&tap).await;
        if message.routing_key != "task.created" && message.routing_key != "task.dispatched" {
            heard.push((message.routing_key.clone(), data(&message)));
        }
    }
    let names: Vec<&str> = heard.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["task.started", "task.progress", "task.progress", "task.completed"]);
    assert!(heard.iter().all(|(_, data)| data["task_id"] == json!(job.task_id)));
    assert_eq!(heard[1].1["message"], "Step 1: echo part 1 of 1");
    assert_eq!(heard[2].1["message"], "Step 1 done: echo part 1 of 1");
    assert_eq!(heard[3].1["output"], "Echo: hello");
    assert_eq!(heard[3].1["request_id"], json!(job.request_id));
    agent.stop().await;
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_takes_the_most_urgent_work_first() {
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("task.events", "task.completed").await;
    for priority in [Priority::Low, Priority::Critical, Priority::Normal, Priority::High] {
        lane.publish(&created(echo(priority.as_str(), priority))).await;
    }
    wait_until("all four to wait", PATIENCE, || async {
        lane.broker.queue_depth("work_queue").await == Some(4)
    })
    .await;
    let agent = join(&lane, Habits::default()).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(data(&lane.broker.next_message(&tap).await)["output"].clone());
    }
    assert_eq!(order, ["Echo: critical", "Echo: high", "Echo: normal", "Echo: low"]);
    agent.stop().await;
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_is_stopped_by_an_agent_that_obeys() {
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("task.events", "task.*").await;
    let habits = Habits { cancel: CancelHabit::Obeys, ..slow_echo(Duration::from_secs(600)) };
    let agent = join(&lane, habits).await;
    let job = task("slow_echo");
    lane.publish(&created(job.clone())).await;
    let next = async |name: &str| -> Value {
        loop {
            let message = lane.broker.next_message(&tap).await;
            if message.routing_key == name {
                return data(&message);
            }
        }
    };
    next("task.started").await;
    lane.publish(&cancelled(&job)).await;
    let failed = next("task.failed").await;
    assert_eq!(
        (&failed["task_id"], &failed["error"]["code"]),
        (&json!(job.task_id), &json!("AGENT_CANCELLED"))
    );
    agent.stop().await;
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_are_heard_by_their_identity() {
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("agent.events", "agent.heartbeat").await;
    for identity in [Identity::Nil, Identity::Stable(Uuid::new_v4())] {
        let habits = Habits { identity, heartbeat_interval: Duration::from_millis(20), ..Habits::default() };
        let agent = join(&lane, habits).await;
        let expected = if let Identity::Stable(id) = identity { id } else { Uuid::nil() };
        wait_for("its heartbeat", PATIENCE, || async {
            let beat = data(&lane.broker.get_message(&tap).await?);
            (beat["agent_id"] == json!(expected) && beat["agent_type"] == "infra").then_some(())
        })
        .await;
        agent.stop().await;
        wait_until("the agent to be gone", PATIENCE, || async {
            lane.broker.consumer_count("work_queue").await == Some(0)
        })
        .await;
    }
    lane.stop().await;
}

//! Agents' messages on their way to events.

use serde_json::{Value, json};
use test_support::{PATIENCE, wait_until};

use crate::lane::{Lane, data, from_agent};

const UNREADABLE: &str = "reply_queue.dead";

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn result() -> Value {
    fixture(include_str!("../fixtures/agents/result_completed.json"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_message_becomes_its_events_on_its_exchange() {
    let lane = Lane::start(&[]).await;
    let tasks = lane.broker.tap("task.events", "task.#").await;
    let beats = lane.broker.tap("agent.events", "agent.heartbeat").await;
    for body in [
        include_str!("../fixtures/agents/heartbeat_idle.json"),
        include_str!("../fixtures/agents/progress_running.json"),
        include_str!("../fixtures/agents/result_completed.json"),
        include_str!("../fixtures/agents/result_failed.json"),
    ] {
        lane.reply(body).await;
    }
    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(lane.broker.next_message(&tasks).await.routing_key);
    }
    assert_eq!(names, ["task.started", "task.progress", "task.completed", "task.failed"]);
    let beat = lane.broker.next_message(&beats).await;
    assert_eq!(beat.message_type.as_deref(), Some("dats.agent.heartbeat"));
    assert_eq!(data(&beat)["resources"]["cpu_percent"], 41.7);
    assert_eq!(lane.broker.queue_depth("reply_queue").await, Some(0));
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_keep_the_order_of_the_replies_however_many_wait_for_their_confirm() {
    const REPLIES: usize = 300;
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("task.events", "task.completed").await;
    for number in 0..REPLIES {
        let mut good = result();
        good["payload"]["exit_code"] = json!(number);
        lane.reply(good.to_string()).await;
    }
    let mut told = Vec::new();
    for _ in 0..REPLIES {
        told.push(data(&lane.broker.next_message(&tap).await)["exit_code"].clone());
    }
    assert_eq!(told, (0..REPLIES).map(|number| json!(number)).collect::<Vec<_>>());
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_sent_twice_has_one_id_on_the_wire() {
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("task.events", "task.completed").await;
    lane.reply(result().to_string()).await;
    lane.reply(result().to_string()).await;
    let (first, second) = (lane.broker.next_message(&tap).await, lane.broker.next_message(&tap).await);
    assert_eq!(first.message_id, second.message_id);
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_kept_with_its_reason_and_what_comes_with_it_is_not_held_up() {
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("task.events", "task.completed").await;
    let mut other_version = result();
    other_version["protocol_version"] = json!("2.0");
    let mut no_task = result();
    no_task["payload"]["task_id"] = json!(17);
    let garbage: [(Vec<u8>, &str); 5] = [
        (b"\x80 not JSON".to_vec(), "not JSON"),
        (b"[1, 2, 3]".to_vec(), "not a JSON object"),
        (other_version.to_string().into_bytes(), "protocol version \"2.0\""),
        (no_task.to_string().into_bytes(), "task_id is not a UUID"),
        (vec![b'x'; 10 * 1024 * 1024], "body of 10485760 bytes"),
    ];
    for (number, (body, _)) in garbage.iter().enumerate() {
        lane.reply(body.clone()).await;
        let mut good = result();
        good["payload"]["exit_code"] = json!(number);
        lane.reply(good.to_string()).await;
    }
    for number in 0..garbage.len() {
        assert_eq!(data(&lane.broker.next_message(&tap).await)["exit_code"], json!(number));
    }
    for _ in &garbage {
        let dead = lane.broker.next_message(UNREADABLE).await;
        let (_, reason) = garbage.iter().find(|(body, _)| dead.body == *body).expect("kept as it came");
        assert!(dead.header("x-dats-reason").unwrap().starts_with(reason), "{:?}", dead.headers);
        assert!(dead.persistent);
    }
    assert_eq!(lane.broker.queue_depth(UNREADABLE).await, Some(0), "each of them once");
    wait_until("the reply queue to be empty", PATIENCE, || async {
        lane.broker.queue_depth("reply_queue").await == Some(0)
    })
    .await;
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_flow_again_after_the_connections_were_cut_and_none_is_lost() {
    let lane = Lane::start(&[]).await;
    let tap = lane.broker.tap("task.events", "task.completed").await;
    lane.reply(result().to_string()).await;
    lane.broker.next_message(&tap).await;
    assert!(lane.broker.close_all_connections().await > 0);
    lane.broker.publish(from_agent(result().to_string())).await;
    lane.broker.next_message(&tap).await;
    lane.stop().await;
}

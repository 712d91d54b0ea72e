//! Peers that hang without a word: clients get an answer in time, and clients that hang get one too.

use std::time::Duration;

use end_to_end::{Plan, Role};
use test_support::wait_for;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_database_that_hangs_is_503_in_the_time_that_the_setting_gives() {
    let plan = Plan::gateway_only().behind_proxies();
    let stack = plan.setting(Role::Gateway, "DATS_API__REQUEST_TIMEOUT_MS", "3000").start().await;
    let client = stack.client();
    let answers = async |status: u16| {
        wait_for(&format!("GET /tasks answers {status}"), PATIENCE, || async {
            let answer = client.get("/tasks").await;
            (answer.status == status).then_some(answer)
        })
        .await
    };
    answers(200).await;
    let database = stack.database_proxy.as_ref().unwrap();
    database.freeze();
    let answer = answers(503).await;
    assert_eq!(answer.json["error_code"], 5030, "{}", answer.text);
    assert!(answer.text.contains("in time"), "{}", answer.text);
    assert!(!answer.header("retry-after").is_empty());
    database.restore();
    answers(200).await;
}

/// What the gateway says to a client that sends this and then nothing.
async fn answer_to(url: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("the gateway gives up")
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_request_is_told_so_and_cut_off() {
    let plan = Plan::gateway_only().setting(Role::Gateway, "DATS_API__HEAD_TIMEOUT_MS", "500");
    let stack = plan.setting(Role::Gateway, "DATS_API__BODY_TIMEOUT_MS", "500").start().await;
    let url = stack.client().url().to_owned();
    let head =
        "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let unfinished_body = answer_to(&url, &format!("{head}Content-Length: 50\r\n\r\n{{")).await;
    assert!(unfinished_body.starts_with("HTTP/1.1 408"), "{unfinished_body}");
    assert!(unfinished_body.contains("did not arrive in time"), "{unfinished_body}");
    let unfinished_head = answer_to(&url, head).await;
    assert!(unfinished_head.starts_with("HTTP/1.1 408"), "{unfinished_head}");
}

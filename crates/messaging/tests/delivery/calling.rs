//! Request and reply: answers find their callers, and nobody waits longer than he must.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use messaging::{Broker, RpcClient, RpcError, RpcHandler, RpcServer};
use protocol::topology::{PROVENANCE_QUERY_QUEUE, Topology, provenance_queries};
use test_support::{PATIENCE, Proxy, TestBroker, wait_until};
use tokio::task::JoinSet;

use crate::support::{Running, Seen, broker, depth};

const LONG: Duration = Duration::from_secs(30);

fn topology() -> Topology {
    provenance_queries(Duration::from_secs(5))
}

/// Answers with the question, later for odd ones; keeps silent on "silence", panics on "panic".
struct Echo(Seen<Vec<u8>>);

#[async_trait]
impl RpcHandler for Echo {
    async fn answer(&self, request: Vec<u8>) -> Vec<u8> {
        self.0.add(request.clone());
        match &request[..] {
            b"panic" => panic!("told to"),
            b"silence" => std::future::pending().await,
            other if other.last().is_some_and(|digit| digit % 2 == 1) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            _ => {}
        }
        [b"re: ", &request[..]].concat()
    }
}

async fn client(broker: &Broker) -> Running<RpcClient> {
    let client = Running::start(|stop| RpcClient::start(broker, topology(), stop));
    wait_until("the client to connect", PATIENCE, || async { client.handle.health().connected }).await;
    client
}

fn server(broker: &Broker, asked: &Seen<Vec<u8>>) -> Running<RpcServer> {
    let handler = Arc::new(Echo(asked.clone()));
    Running::start(|stop| RpcServer::start(broker, topology(), PROVENANCE_QUERY_QUEUE, 16, handler, stop))
}

#[tokio::test]
async fn every_caller_gets_its_own_answer() {
    let test = TestBroker::create("echo").await;
    let broker = broker(test.url());
    let (client, server) = (client(&broker).await, server(&broker, &Seen::default()));
    let mut calls = JoinSet::new();
    for index in 0..100 {
        let client = client.handle.clone();
        calls.spawn(async move {
            let question = index.to_string();
            let answer = client.call(PROVENANCE_QUERY_QUEUE, question.clone().into_bytes(), LONG).await;
            assert_eq!(answer.unwrap(), format!("re: {question}").into_bytes());
        });
    }
    calls.join_all().await;
    server.stop().await;
    client.stop().await;
}

#[tokio::test]
async fn a_question_nobody_answers_times_out_and_is_not_answered_later() {
    let test = TestBroker::create("timeout").await;
    let broker = broker(test.url());
    let client = client(&broker).await;
    let short = Duration::from_millis(150);
    let answer = client.handle.call(PROVENANCE_QUERY_QUEUE, b"anybody?".to_vec(), short).await;
    assert_eq!(answer, Err(RpcError::Timeout));
    depth(&test, PROVENANCE_QUERY_QUEUE, 0).await;
    let asked = Seen::default();
    let server = server(&broker, &asked);
    let answer = client.handle.call(PROVENANCE_QUERY_QUEUE, b"2".to_vec(), LONG).await;
    assert_eq!(answer.unwrap(), b"re: 2");
    assert_eq!(asked.all(), [b"2".to_vec()], "the expired question was not asked");
    server.stop().await;
    client.stop().await;
}

#[tokio::test]
async fn without_a_queue_or_a_connection_the_answer_is_no_at_once() {
    let test = TestBroker::create("nobody").await;
    let proxy = Proxy::in_front_of(test.url()).await;
    let client = client(&broker(&proxy.url(test.url()))).await;
    let started_at = Instant::now();
    let answer = client.handle.call("no-such-queue", b"2".to_vec(), LONG).await;
    assert!(matches!(answer, Err(RpcError::Unavailable(_))), "{answer:?}");
    proxy.cut();
    wait_until("the cut to be noticed", PATIENCE, || async { !client.handle.health().connected }).await;
    let answer = client.handle.call(PROVENANCE_QUERY_QUEUE, b"2".to_vec(), LONG).await;
    assert!(matches!(answer, Err(RpcError::Unavailable(_))), "{answer:?}");
    assert!(started_at.elapsed() < PATIENCE);
    client.stop().await;
}

#[tokio::test]
async fn a_lost_connection_fails_open_calls_at_once_and_later_calls_work_again() {
    let test = TestBroker::create("lostcall").await;
    let proxy = Proxy::in_front_of(test.url()).await;
    let client = client(&broker(&proxy.url(test.url()))).await;
    let asked = Seen::default();
    let server = server(&broker(test.url()), &asked);
    let handle = client.handle.clone();
    let open =
        tokio::spawn(async move { handle.call(PROVENANCE_QUERY_QUEUE, b"silence".to_vec(), LONG).await });
    asked.reach(1).await;
    let cut_at = Instant::now();
    proxy.cut();
    let answer = open.await.unwrap();
    assert!(matches!(answer, Err(RpcError::Unavailable(_))), "{answer:?}");
    assert!(cut_at.elapsed() < Duration::from_secs(5));
    proxy.restore();
    wait_until("the client to connect", PATIENCE, || async { client.handle.health().connected }).await;
    assert_eq!(client.handle.call(PROVENANCE_QUERY_QUEUE, b"4".to_vec(), LONG).await.unwrap(), b"re: 4");
    server.stop.cancel();
    server.task.abort();
    client.stop().await;
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_not_the_server() {
    let test = TestBroker::create("rpcpanic").await;
    let broker = broker(test.url());
    let asked = Seen::default();
    let (client, server) = (client(&broker).await, server(&broker, &asked));
    let short = Duration::from_millis(300);
    let answer = client.handle.call(PROVENANCE_QUERY_QUEUE, b"panic".to_vec(), short).await;
    assert_eq!(answer, Err(RpcError::Timeout));
    assert_eq!(client.handle.call(PROVENANCE_QUERY_QUEUE, b"6".to_vec(), LONG).await.unwrap(), b"re: 6");
    assert_eq!(asked.count(), 2, "the question that panics is not asked again");
    server.stop().await;
    client.stop().await;
}

#[tokio::test]
async fn a_server_goes_on_after_its_connection_was_cut() {
    let test = TestBroker::create("servercut").await;
    let proxy = Proxy::in_front_of(test.url()).await;
    let client = client(&broker(test.url())).await;
    let server = server(&broker(&proxy.url(test.url())), &Seen::default());
    assert_eq!(client.handle.call(PROVENANCE_QUERY_QUEUE, b"0".to_vec(), LONG).await.unwrap(), b"re: 0");
    proxy.cut();
    wait_until("the cut to be noticed", PATIENCE, || async { !server.handle.health().connected }).await;
    proxy.restore();
    assert_eq!(client.handle.call(PROVENANCE_QUERY_QUEUE, b"2".to_vec(), LONG).await.unwrap(), b"re: 2");
    server.stop().await;
    client.stop().await;
}

//! Questions that wait are asked together, and one by one where that cannot be.

use std::sync::Mutex;

use async_trait::async_trait;
use messaging::{Broker, BrokerSettings, RpcHandler, RpcServer};
use protocol::TaskId;
use protocol::topology::{Topology, provenance_queries};
use serde_json::{Value, json};
use test_support::{PATIENCE, TestBroker, wait_until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;

/// What a provenance-store is like.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Answers records together.
    Able,
    /// Of a version that does not know how.
    Old,
    /// Its database is away.
    Away,
}

/// Knows every id but "nothing"; cannot read "bad". Keeps what it was asked, and answers when it is let.
struct Shelf {
    kind: Kind,
    asked: Mutex<Vec<Vec<String>>>,
    turns: Semaphore,
}

impl Shelf {
    fn asked(&self) -> Vec<Vec<String>> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl RpcHandler for Shelf {
    async fn answer(&self, request: Vec<u8>) -> Vec<u8> {
        let question = serde_json::from_slice(&request).unwrap();
        let (ids, together) = match question {
            ProvenanceQuery::GetRecord { id } => (vec![id], false),
            ProvenanceQuery::GetRecords { ids } => (ids, true),
            other => panic!("{other:?}"),
        };
        self.asked.lock().unwrap().push(ids.clone());
        self.turns.acquire().await.unwrap().forget();
        let error = |code: &str| json!({"error": {"code": code, "message": "no"}});
        let reply = |id: &String| match id.as_str() {
            "nothing" => error("not_found"),
            "bad" => json!({"result": {"status": "odd"}}),
            id => json!({"result": record(id)}),
        };
        let replies: Vec<Value> = ids.iter().map(reply).collect();
        let answer = match self.kind {
            Kind::Away => error("unavailable"),
            Kind::Old if together => error("invalid_arguments"),
            Kind::Able if together => json!({"result": replies}),
            Kind::Old | Kind::Able => replies[0].clone(),
        };
        answer.to_string().into_bytes()
    }
}

/// A record by that worker.
fn record(worker: &str) -> Value {
    let task = TaskId::generate();
    json!({
        "id": task, "task_id": task, "attempt": 1, "status": "passed", "worker_id": worker,
        "created_at": "2026-11-21T10:00:00Z", "outputs": [], "inputs_consumed": [], "verification": {},
        "taint": {"is_tainted": false, "is_suspect": false},
    })
}

struct Setup {
    _broker: TestBroker,
    shelf: Arc<Shelf>,
    reader: RecordReader,
    stop: CancellationToken,
}

impl Setup {
    async fn new(hint: &str, kind: Kind) -> Self {
        let broker = TestBroker::create(hint).await;
        let connection = Broker::new(&BrokerSettings::from_url(broker.url()), "test").unwrap();
        let stop = CancellationToken::new();
        let shelf = Arc::new(Shelf { kind, asked: Mutex::default(), turns: Semaphore::new(0) });
        let (server, _) = RpcServer::start(
            &connection,
            provenance_queries(PATIENCE),
            PROVENANCE_QUERY_QUEUE,
            16,
            shelf.clone(),
            stop.clone(),
        );
        let (rpc, _) = RpcClient::start(&connection, Topology::default(), stop.clone());
        wait_until("both to connect", PATIENCE, || async {
            server.health().connected && rpc.health().connected
        })
        .await;
        Self { _broker: broker, shelf, reader: RecordReader::start(rpc, PATIENCE), stop }
    }

    fn ask(&self, id: &str) -> JoinHandle<Answer> {
        let (reader, id) = (self.reader.clone(), id.to_owned());
        tokio::spawn(async move { reader.find(id).await })
    }

    /// Asks so much, one by one, that everything further waits.
    async fn occupy(&self) -> Vec<JoinHandle<Answer>> {
        let mut asking = Vec::new();
        for number in 1..=MESSAGES {
            asking.push(self.ask(&format!("w-{number}")));
            wait_until("the question to arrive", PATIENCE, || async { self.shelf.asked().len() == number })
                .await;
        }
        asking
    }

    /// Asks for each of them, in this order; they wait.
    async fn queue(&self, ids: &[&str]) -> Vec<JoinHandle<Answer>> {
        let mut asking = Vec::new();
        for (number, id) in (1..).zip(ids) {
            asking.push(self.ask(id));
            wait_until("the question to wait", PATIENCE, || async {
                self.reader.waiting.capacity() == CAPACITY - number
            })
            .await;
        }
        asking
    }
}

type Answer = Result<Option<RecordView>, ProvenanceError>;

impl Drop for Setup {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn workers(asking: Vec<JoinHandle<Answer>>) -> Vec<String> {
    let mut workers = Vec::new();
    for answer in asking {
        workers.push(match answer.await.unwrap() {
            Ok(Some(record)) => record.worker_id.unwrap(),
            Ok(None) => "none".to_owned(),
            Err(ProvenanceError::Unreadable(_)) => "unreadable".to_owned(),
            Err(ProvenanceError::Unavailable(_)) => "unavailable".to_owned(),
            Err(other) => other.to_string(),
        });
    }
    workers
}

const SOME: [&str; 5] = ["a", "nothing", "bad", "b", "a"];
const FOUND: [&str; 5] = ["a", "none", "unreadable", "b", "a"];

#[tokio::test]
async fn what_waits_is_asked_together_and_everybody_gets_the_own_answer() {
    let setup = Setup::new("records_together", Kind::Able).await;
    let busy = setup.occupy().await;
    let waiting = setup.queue(&SOME).await;
    setup.shelf.turns.add_permits(100);
    assert_eq!(workers(busy).await, ["w-1", "w-2", "w-3", "w-4"]);
    assert_eq!(workers(waiting).await, FOUND);
    let asked = setup.shelf.asked();
    assert_eq!(asked.len(), MESSAGES + 1, "{asked:?}");
    assert_eq!(asked.last().unwrap(), &SOME);
}

#[tokio::test]
async fn a_provenance_store_that_answers_one_by_one_is_asked_one_by_one() {
    let setup = Setup::new("records_one_by_one", Kind::Old).await;
    let busy = setup.occupy().await;
    let waiting = setup.queue(&SOME).await;
    setup.shelf.turns.add_permits(100);
    workers(busy).await;
    assert_eq!(workers(waiting).await, FOUND);
}

#[tokio::test]
async fn a_database_that_is_away_is_away_for_all_of_them() {
    let setup = Setup::new("records_away", Kind::Away).await;
    let busy = setup.occupy().await;
    let waiting = setup.queue(&SOME).await;
    setup.shelf.turns.add_permits(100);
    workers(busy).await;
    assert_eq!(workers(waiting).await, ["unavailable"; 5]);
    assert_eq!(setup.shelf.asked().len(), MESSAGES + 1, "nobody is asked again");
}

//! The whole service in this process: events in through the broker, answers out.

use std::time::Duration;

use messaging::{Broker, BrokerSettings, RpcClient};
use protocol::topology::{self, NOTICES_QUEUE, PROVENANCE_QUERY_QUEUE, PROVENANCE_QUEUE, Topology, UNROUTED};
use protocol::{ProvenanceId, TaskId};
use provenance_store::settings::{DEFAULTS, Settings};
use provenance_store::startup::{Parts, assemble};
use serde_json::{Value, json};
use service_runtime::clock::SystemClock;
use service_runtime::database::{self, DatabaseSettings};
use service_runtime::health::Health;
use service_runtime::settings::{Layers, load};
use service_runtime::shutdown::{Shutdown, TaskGroup};
use test_support::{Message, PATIENCE, Proxy, TestBroker, wait_for, wait_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::events::{document, output_data, status_data};
use crate::fixture::Store;

struct Service {
    broker: TestBroker,
    store: Store,
    /// What the service's way to its database leads through.
    network: Proxy,
    tasks: TaskGroup,
    client: RpcClient,
    client_stop: CancellationToken,
}

impl Service {
    async fn start(hint: &str) -> Self {
        let store = Store::create(hint).await;
        let broker = TestBroker::create(hint).await;
        let network = Proxy::in_front_of(store.database.url()).await;
        let database_url = network.url(store.database.url());
        let environment =
            [("DATABASE_URL", database_url.as_str()), ("RABBITMQ_URL", broker.url())].map(own).into_iter();
        let settings: Settings = load(Layers { defaults: DEFAULTS, file: None, environment }).unwrap();
        let shutdown = Shutdown::new();
        let tasks = TaskGroup::new(shutdown.clone());
        let parts = Parts {
            pool: database::connect(&DatabaseSettings::new(database_url.clone())).unwrap(),
            clock: SystemClock::shared(),
            tasks: tasks.clone(),
            shutdown,
            health: Health::new(),
        };
        assemble(&settings, parts).unwrap();
        for queue in [PROVENANCE_QUEUE, PROVENANCE_QUERY_QUEUE] {
            wait_until("the service to consume", PATIENCE, || async {
                broker.consumer_count(queue).await.is_some_and(|consumers| consumers > 0)
            })
            .await;
        }
        let client_stop = CancellationToken::new();
        let asker = Broker::new(&BrokerSettings::from_url(broker.url()), "asker").unwrap();
        let (client, _) = RpcClient::start(&asker, Topology::default(), client_stop.clone());
        Self { broker, store, network, tasks, client, client_stop }
    }

    async fn publish(&self, exchange: &str, key: &str, document: &Value) {
        self.broker.publish(Message::json(exchange, key, document)).await;
    }

    /// The answer to a question; `None` while the way there is not open yet.
    async fn ask(&self, operation: &str, arguments: Value) -> Option<Value> {
        let question = json!({"operation": operation, "arguments": arguments}).to_string();
        let answer =
            self.client.call(PROVENANCE_QUERY_QUEUE, question.into_bytes(), Duration::from_secs(5)).await;
        serde_json::from_slice(&answer.ok()?).ok()
    }

    async fn record_with(&self, id: impl ToString, status: &str) -> Value {
        let id = id.to_string();
        wait_for(&format!("record {id} to be {status}"), PATIENCE, || async {
            let answer = self.ask("get_record", json!({"id": id})).await?;
            let record = answer.get("result")?.clone();
            (record["status"] == status).then_some(record)
        })
        .await
    }

    async fn stop(self) {
        self.client_stop.cancel();
        let drained = self.tasks.drain(Duration::from_secs(20)).await;
        assert!(drained.unfinished.is_empty(), "{drained:?}");
    }
}

fn own((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_go_in_and_the_record_comes_out_by_query() {
    let service = Service::start("provenance_service").await;
    let recorded = service.broker.tap("task.events", "provenance.recorded").await;
    let task = Uuid::now_v7();
    let output = document("task.output.created", 3, output_data(task, 1, "a", &["b"]));
    service
        .publish(
            "qa.events",
            "task.validated",
            &document("task.validated", 4, json!({"task_id": task, "attempt": 1})),
        )
        .await;
    for _ in 0..3 {
        service.publish("task.events", "task.output.created", &output).await;
    }
    let status = document("task.status.running", 2, status_data(task, 1, 3, "running", "executing", 2));
    service.publish("task.events", "task.status.running", &status).await;

    let record = service.record_with(task, "passed").await;
    assert_eq!(record["id"], json!(ProvenanceId::of_attempt(TaskId(task), 1)));
    assert_eq!(record["inputs_consumed"][0]["artifact_id"], "b");
    wait_until("the project to be known", PATIENCE, || async {
        service.record_with("a", "passed").await["project_id"] == "shop"
    })
    .await;
    let announced = service.broker.next_message(&recorded).await.body_json();
    assert_eq!(announced["data"]["artifact_ids"], json!(["a"]));
    assert_eq!(announced["source"], "/orchestration/provenance-store");
    wait_until("the outbox to be empty", PATIENCE, || async {
        service.store.lines("SELECT id::text FROM outbox").await.is_empty()
    })
    .await;
    assert_eq!(service.broker.get_message(&recorded).await, None, "redeliveries announce nothing");

    let health = service.ask("project_health", json!({"project_id": "shop"})).await.unwrap();
    assert_eq!(health["result"]["recommended_action"], "continue");
    let unknown = service.ask("get_record", json!({"id": "nothing"})).await.unwrap();
    assert_eq!(unknown["error"]["code"], "not_found");
    let several = service.ask("get_records", json!({"ids": ["nothing", task]})).await.unwrap();
    assert_eq!(several["result"][0], unknown);
    assert_eq!(several["result"][1]["result"]["status"], "passed");
    let too_many = service.ask("get_records", json!({"ids": vec!["a"; 129]})).await.unwrap();
    assert_eq!(too_many["error"]["code"], "invalid_arguments");
    let nonsense = service.ask("make_coffee", json!({})).await.unwrap();
    assert_eq!(nonsense["error"]["code"], "invalid_arguments");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_that_nobody_is_bound_for_are_kept_as_notices_and_not_as_lost() {
    let service = Service::start("provenance_notices").await;
    let task = Uuid::now_v7();
    let output = document("task.output.created", 1, output_data(task, 1, "a", &[]));
    service.publish("task.events", "task.output.created", &output).await;
    service.record_with(task, "pending").await;
    let tainted = document("artifact.tainted", 2, json!({"artifact_id": "a", "reason": "wrong"}));
    service.publish("cascade.events", "artifact.tainted", &tainted).await;
    let wanted = document("checkpoint.requested", 3, json!({"project_id": "shop", "description": "good"}));
    service.publish("cascade.events", "checkpoint.requested", &wanted).await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(service.broker.next_message(NOTICES_QUEUE).await.routing_key);
    }
    kept.sort();
    assert_eq!(kept, ["cascade.completed", "cascade.started", "checkpoint.created"]);
    while let Some(lost) = service.broker.get_message(UNROUTED).await {
        assert!(!kept.contains(&lost.routing_key), "{}", lost.routing_key);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_kept_is_set_aside_alone() {
    let service = Service::start("provenance_poison").await;
    let tasks: Vec<_> = (0..20).map(|_| Uuid::now_v7()).collect();
    let refused = document("task.validated", 1, json!({"task_id": Uuid::now_v7(), "attempt": 0}));
    for (number, &task) in tasks.iter().enumerate() {
        let good = document("task.output.created", 1, output_data(task, 1, &format!("a-{number}"), &[]));
        service.publish("task.events", "task.output.created", &good).await;
        if number == 7 {
            service.publish("task.events", "task.validated", &refused).await;
            service.broker.publish(Message::new("task.events", "task.output.created", "not json")).await;
        }
    }
    for task in tasks {
        service.record_with(task, "pending").await;
    }
    let dead = topology::dead_letter_queue(PROVENANCE_QUEUE);
    let reasons = [service.broker.next_message(&dead).await, service.broker.next_message(&dead).await]
        .map(|message| message.header("x-dats-reason").unwrap_or_default().to_owned());
    assert!(reasons.iter().any(|reason| reason.contains("attempt 0 is out of range")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("not a JSON object")), "{reasons:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_delays_and_loses_nothing() {
    let service = Service::start("provenance_database_away").await;
    let output = |task, name: &str| document("task.output.created", 1, output_data(task, 1, name, &[]));
    let [before, meanwhile] = [Uuid::now_v7(), Uuid::now_v7()];
    service.publish("task.events", "task.output.created", &output(before, "before")).await;
    service.record_with(before, "pending").await;

    service.network.cut();
    service.publish("task.events", "task.output.created", &output(meanwhile, "meanwhile")).await;
    wait_until("a question to be refused", PATIENCE, || async {
        let answer = service.ask("get_record", json!({"id": before})).await;
        answer.is_some_and(|answer| answer["error"]["code"] == "unavailable")
    })
    .await;
    assert!(service.store.has_no_record(meanwhile).await);

    service.network.restore();
    service.record_with(meanwhile, "pending").await;
    let dead = topology::dead_letter_queue(PROVENANCE_QUEUE);
    assert_eq!(service.broker.queue_depth(&dead).await, Some(0));
    service.stop().await;
}

//! The engine on a real broker: what an outsider sees of it.

use std::collections::BTreeSet;
use std::time::Duration;

use messaging::BrokerSettings;
use protocol::Event;
use protocol::events::{TaskCancelled, TaskCreated, TaskOptions};
use protocol::topology::{ROUTING_QUEUE, dead_letter_queue};
use protocol::vocabulary::{Domain, Tier};
use routing_engine::engine::{Engine, Stops};
use routing_engine::settings::Settings;
use serde_json::{Value, json};
use service_runtime::clock::SystemClock;
use test_support::{Message, TestBroker, wait_for};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{settings, task};

const PATIENCE: Duration = Duration::from_secs(20);

/// An engine on a broker of its own.
struct Running {
    broker: TestBroker,
    stops: Stops,
    engine: Engine,
}

impl Running {
    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let broker = TestBroker::create("routing").await;
        let mut settings = settings();
        settings.events.rabbitmq = BrokerSettings::from_url(broker.url());
        change(&mut settings);
        let stops = Stops::default();
        let engine = Engine::start(&settings, &SystemClock::shared(), &stops).unwrap();
        let running = Self { broker, stops, engine };
        let health = running.engine.broker_health();
        wait_for("publisher and consumer to connect", PATIENCE, || async {
            health().iter().all(|health| health.is_good()).then_some(())
        })
        .await;
        running
    }

    async fn publish(&self, event: &Event) {
        let wire = event.to_wire(None).unwrap();
        let message = Message {
            message_id: Some(wire.message_id),
            message_type: Some(wire.event_type),
            content_type: Some(wire.content_type),
            ..Message::new(&wire.exchange, &wire.routing_key, wire.body)
        };
        self.broker.publish(message).await;
    }

    async fn stop(self) {
        self.stops.intake.cancel();
        self.engine.consuming.await.unwrap();
        self.stops.output.cancel();
        self.engine.publishing.await.unwrap();
    }
}

fn created(task: TaskCreated) -> Event {
    Event::new("/orchestration/api-gateway", crate::support::noon(), task)
}

fn pinned_to(tier: Tier) -> TaskCreated {
    TaskCreated {
        options: TaskOptions {
            tier: Some(tier),
            domain: Some(Domain::Documentation),
            ..TaskOptions::default()
        },
        ..task("Fix a typo in the README.")
    }
}

fn data(message: &Message) -> Value {
    message.body_json()["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_arrives_in_the_queue_of_its_tier_and_a_redelivery_repeats_it_word_for_word() {
    let running = Running::with(|_| {}).await;
    let event = created(task("Fix a typo in the README."));
    running.publish(&event).await;
    let first = running.broker.next_message("task.ready.tiny").await;
    running.publish(&event).await;
    let second = running.broker.next_message("task.ready.tiny").await;
    assert_eq!(first.message_id, second.message_id, "whoever remembers ids works once");
    assert_eq!(data(&first), data(&second));
    assert_eq!(first.message_type.as_deref(), Some("dats.task.ready"));
    assert_eq!(first.body_json()["causationid"], json!(event.id));
    assert_eq!(data(&first)["domain"], "documentation");
    assert_eq!(data(&first)["routing"]["analyzer"], "rules");
    assert_eq!(running.broker.queue_depth("task.ready.tiny").await, Some(0));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tier_has_its_queue_and_each_task_arrives_once() {
    let running = Running::with(|_| {}).await;
    let mut expected = BTreeSet::new();
    for (index, tier) in Tier::STANDARD.into_iter().cycle().take(200).enumerate() {
        let task = TaskCreated { description: format!("Task {index}"), ..pinned_to(tier) };
        expected.insert(task.task_id.to_string());
        running.publish(&created(task)).await;
    }
    let mut arrived = BTreeSet::new();
    for tier in Tier::STANDARD {
        for _ in 0..50 {
            let message = running.broker.next_message(&format!("task.ready.{tier}")).await;
            assert_eq!(data(&message)["tier"], tier.as_str());
            assert!(arrived.insert(data(&message)["task_id"].as_str().unwrap().to_owned()), "twice");
        }
    }
    assert_eq!(arrived, expected);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_goes_to_the_dead_letters_and_its_neighbours_are_routed() {
    let running = Running::with(|_| {}).await;
    let dead_queue = dead_letter_queue(ROUTING_QUEUE);
    let bodies: [&[u8]; 4] = [b"{", b"\xff\xfe", b"{}", br#"{"task_id":7,"description":[]}"#];
    for body in bodies {
        running.broker.publish(Message::new("task.events", "task.created", body)).await;
        running.publish(&created(pinned_to(Tier::Small))).await;
    }
    for _ in bodies {
        let dead = running.broker.next_message(&dead_queue).await;
        assert!(dead.header("x-dats-reason").is_some_and(|reason| !reason.is_empty()), "{dead:?}");
        running.broker.next_message("task.ready.small").await;
    }
    assert_eq!(running.broker.queue_depth(&dead_queue).await, Some(0));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_type_that_no_agent_does_is_refused_with_a_code() {
    let running = Running::with(|_| {}).await;
    let failures = running.broker.tap("task.events", "task.routing.failed").await;
    let by_type = TaskCreated { work_type: Some("knitting".to_owned()), ..task("knit") };
    running.publish(&created(by_type)).await;
    let failed = data(&running.broker.next_message(&failures).await);
    assert_eq!(failed["error"]["code"], "INVALID_WORK_TYPE");
    assert!(failed["error"]["message"].as_str().unwrap().contains("ansible, code_gen"), "{failed}");
    assert_eq!(failed["error"]["retryable"], json!(false));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_lists_its_parts_is_split() {
    let running = Running::with(|_| {}).await;
    let plans = running.broker.tap("task.events", "task.decomposed").await;
    let divisible = TaskCreated {
        options: TaskOptions { decompose: true, ..TaskOptions::default() },
        ..task("Build a shop:\n1. Design the schema\n2. Write the API")
    };
    running.publish(&created(divisible)).await;
    let plan = data(&running.broker.next_message(&plans).await);
    assert_eq!(plan["subtasks"][1]["dependencies"], json!(["part-1"]));
    running.stop().await;
}

/// An Agent Service that takes longer than any test.
async fn endless_agent_service() -> MockServer {
    let server = MockServer::start().await;
    let endless = ResponseTemplate::new(200).set_delay(Duration::from_secs(300));
    Mock::given(wiremock::matchers::any()).respond_with(endless).mount(&server).await;
    server
}

async fn running_with(server: &MockServer) -> Running {
    let address = server.uri();
    Running::with(|settings| {
        settings.routing.agent_service_url = Some(address);
        settings.routing.agent_service.timeout_ms = 300_000;
        settings.routing.analysis_timeout_seconds = 300;
        settings.routing.concurrency = 8;
        settings.runtime.drain_seconds = Some(1);
    })
    .await
}

async fn wait_until_asked(server: &MockServer, times: usize) {
    wait_for("the Agent Service to be asked", PATIENCE, || async {
        (server.received_requests().await?.len() >= times).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_agent_service_does_not_hold_up_what_needs_it_not() {
    let server = endless_agent_service().await;
    let running = running_with(&server).await;
    for _ in 0..20 {
        running.publish(&created(task("Fix a typo in the README."))).await;
    }
    wait_until_asked(&server, 8).await;
    running.publish(&created(pinned_to(Tier::Large))).await;
    running.broker.next_message("task.ready.large").await;
    assert_eq!(server.received_requests().await.unwrap().len(), 8, "no more than the limit wait at once");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_is_dropped_while_its_analysis_is_awaited() {
    let server = endless_agent_service().await;
    let running = running_with(&server).await;
    let waiting = task("Fix a typo in the README.");
    running.publish(&created(waiting.clone())).await;
    wait_until_asked(&server, 1).await;
    let cancelled =
        TaskCancelled { task_id: waiting.task_id, reason: String::new(), attempt: Some(1), work_type: None };
    running.publish(&Event::new("/orchestration/api-gateway", crate::support::noon(), cancelled)).await;
    // Stopping gives back whatever is still being routed; what was dropped is not given back.
    wait_for("both deliveries to be acknowledged", PATIENCE, || async {
        let queue =
            running.broker.management(&format!("queues/{}/{ROUTING_QUEUE}", running.broker.vhost())).await;
        (queue["messages"] == json!(0)).then_some(())
    })
    .await;
    for tier in Tier::STANDARD {
        assert_eq!(running.broker.queue_depth(&format!("task.ready.{tier}")).await, Some(0));
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_routed_at_a_stop_is_routed_by_the_next_engine() {
    let server = endless_agent_service().await;
    let running = running_with(&server).await;
    running.publish(&created(task("Fix a typo in the README."))).await;
    wait_until_asked(&server, 1).await;
    let Running { broker, stops, engine } = running;
    stops.intake.cancel();
    engine.consuming.await.unwrap();
    stops.output.cancel();
    engine.publishing.await.unwrap();

    let mut settings = settings();
    settings.events.rabbitmq = BrokerSettings::from_url(broker.url());
    let stops = Stops::default();
    let next = Engine::start(&settings, &SystemClock::shared(), &stops).unwrap();
    broker.next_message("task.ready.tiny").await;
    Running { broker, stops, engine: next }.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routing_goes_on_after_its_connections_were_cut() {
    let running = Running::with(|_| {}).await;
    running.publish(&created(pinned_to(Tier::Small))).await;
    running.broker.next_message("task.ready.small").await;
    assert!(running.broker.close_all_connections().await > 0);
    running.publish(&created(pinned_to(Tier::Small))).await;
    running.broker.next_message("task.ready.small").await;
    running.stop().await;
}

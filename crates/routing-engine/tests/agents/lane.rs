//! An engine on a broker of its own, and what the gateway would send it.

use std::time::Duration;

use messaging::BrokerSettings;
use protocol::events::{JsonObject, TaskCancelled, TaskCreated, TaskOptions};
use protocol::vocabulary::{ExecutionMode, Priority};
use protocol::{Event, EventData, ProjectId, RequestId, TaskId, TraceId};
use routing_engine::engine::{Engine, Stops};
use routing_engine::settings::{DEFAULTS, Settings};
use serde_json::Value;
use service_runtime::clock::SystemClock;
use service_runtime::service::ServiceSettings;
use service_runtime::settings::{Layers, load};
use test_support::{Message, PATIENCE, TestBroker, wait_for};

/// Settings as an operator gives them, with checks.
pub(crate) fn settings(environment: &[(&str, &str)]) -> Settings {
    let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let settings: Settings = load(Layers { defaults: DEFAULTS, file: None, environment }).unwrap();
    settings.validate().unwrap();
    settings
}

/// A running engine, connected everywhere.
pub(crate) struct Lane {
    pub(crate) broker: TestBroker,
    stops: Stops,
    engine: Engine,
}

impl Lane {
    pub(crate) async fn start(environment: &[(&str, &str)]) -> Self {
        Self::start_on(TestBroker::create("agents").await, environment).await
    }

    pub(crate) async fn start_on(broker: TestBroker, environment: &[(&str, &str)]) -> Self {
        let lane = Self::start_without_agents(broker, environment).await;
        let agents = lane.engine.agents.health();
        wait_for("the agents' side to connect", PATIENCE, || async {
            agents().iter().all(|health| health.is_good()).then_some(())
        })
        .await;
        lane
    }

    /// Waits only for the event side to connect.
    pub(crate) async fn start_without_agents(broker: TestBroker, environment: &[(&str, &str)]) -> Self {
        let mut settings = settings(environment);
        settings.events.rabbitmq = BrokerSettings::from_url(broker.url());
        let stops = Stops::default();
        let engine = Engine::start(&settings, &SystemClock::shared(), &stops).unwrap();
        let events = engine.broker_health();
        wait_for("the event side to connect", PATIENCE, || async {
            events().iter().all(|health| health.is_good()).then_some(())
        })
        .await;
        Self { broker, stops, engine }
    }

    pub(crate) async fn publish(&self, event: &Event) {
        let wire = event.to_wire(None).unwrap();
        let message = Message {
            message_id: Some(wire.message_id),
            message_type: Some(wire.event_type),
            content_type: Some(wire.content_type),
            ..Message::new(&wire.exchange, &wire.routing_key, wire.body)
        };
        self.broker.publish(message).await;
    }

    /// Publishes what an agent would, with its properties.
    pub(crate) async fn reply(&self, body: impl Into<Vec<u8>>) {
        self.broker.publish(from_agent(body)).await;
    }

    pub(crate) async fn stop(self) {
        self.stops.intake.cancel();
        self.engine.consuming.await.unwrap();
        for consuming in self.engine.agents.consuming {
            consuming.await.unwrap();
        }
        self.stops.output.cancel();
        self.engine.publishing.await.unwrap();
        for publishing in self.engine.agents.publishing {
            publishing.await.unwrap();
        }
    }
}

/// Transient, with a content type and a random id.
pub(crate) fn from_agent(body: impl Into<Vec<u8>>) -> Message {
    Message {
        persistent: false,
        content_type: Some("application/json".to_owned()),
        message_id: Some(uuid::Uuid::new_v4().simple().to_string()),
        ..Message::new("", "reply_queue", body)
    }
}

/// A task that names its work type.
pub(crate) fn task(work_type: &str) -> TaskCreated {
    TaskCreated {
        task_id: TaskId::generate(),
        project_id: ProjectId::default(),
        description: format!("Work of type {work_type}"),
        attempt: 1,
        priority: Priority::Normal,
        options: TaskOptions::default(),
        mode: ExecutionMode::Autonomous,
        inputs: Vec::new(),
        feedback: Vec::new(),
        parent_id: None,
        work_type: Some(work_type.to_owned()),
        parameters: Some(JsonObject::from_iter([("message".to_owned(), Value::from("hello"))])),
        constitution: None,
        minimum_tier: None,
        paused_tiers: Vec::new(),
        request_id: RequestId::generate(),
        deadline_at: None,
        created_at: chrono::Utc::now().into(),
    }
}

/// The event that the gateway publishes for it.
pub(crate) fn created(task: TaskCreated) -> Event {
    from_gateway(task)
}

/// The event that asks to stop a task.
pub(crate) fn cancelled(task: &TaskCreated) -> Event {
    from_gateway(TaskCancelled {
        task_id: task.task_id,
        reason: "no longer needed".to_owned(),
        attempt: Some(task.attempt),
        work_type: task.work_type.clone(),
    })
}

fn from_gateway(data: impl Into<EventData>) -> Event {
    Event::new("/orchestration/api-gateway", chrono::Utc::now(), data).in_trace(TraceId::generate())
}

/// `task` with an attempt that ends in `time`.
pub(crate) fn due_in(time: Duration, task: TaskCreated) -> TaskCreated {
    TaskCreated { deadline_at: Some((chrono::Utc::now() + time).into()), ..task }
}

/// The data of an event's message.
pub(crate) fn data(message: &Message) -> Value {
    message.body_json()["data"].clone()
}

//! Somebody else's agent, in raw AMQP: it declares what its makers told it to, takes work, answers, rejects.

use amqprs::channel::{
    BasicAckArguments, BasicGetArguments, BasicNackArguments, BasicPublishArguments, Channel,
    ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::{BasicProperties, FieldTable, FieldValue};
use serde_json::{Value, json};
use test_support::{PATIENCE, TestBroker, wait_for};

use crate::lane::{Lane, created, data, task};

pub(crate) struct ForeignAgent {
    channel: Channel,
    _connection: Connection,
}

impl ForeignAgent {
    /// Connects and declares everything, in the order and with the integer widths that agents use. Panics as they
    /// exit, when the broker refuses a declaration.
    pub(crate) async fn connect(broker: &TestBroker) -> Self {
        let url = reqwest::Url::parse(broker.url()).unwrap();
        let (user, password) = (url.username(), url.password().unwrap());
        let (host, port) = (url.host_str().unwrap(), url.port().unwrap_or(5672));
        let arguments =
            OpenConnectionArguments::new(host, port, user, password).virtual_host(broker.vhost()).finish();
        let connection = Connection::open(&arguments).await.unwrap();
        let channel = connection.open_channel(None).await.unwrap();
        let agent = Self { channel, _connection: connection };
        agent.declare().await;
        agent
    }

    async fn declare(&self) {
        let dead_lettered = || ("x-dead-letter-exchange", FieldValue::from("dlx_exchange".to_owned()));
        self.declare_queue("work_queue", vec![("x-max-priority", FieldValue::B(5)), dead_lettered()]).await;
        self.declare_queue("reply_queue", vec![dead_lettered()]).await;
        let broadcast = ExchangeDeclareArguments::new("broadcast_exchange", "fanout");
        self.channel.exchange_declare(broadcast).await.unwrap();
        let dead_letters = ExchangeDeclareArguments::new("dlx_exchange", "direct").durable(true).finish();
        self.channel.exchange_declare(dead_letters).await.unwrap();
        self.declare_queue("dlx_queue", vec![("x-max-length", FieldValue::u(10_000))]).await;
        self.channel.queue_bind(QueueBindArguments::new("dlx_queue", "dlx_exchange", "")).await.unwrap();
    }

    async fn declare_queue(&self, name: &str, arguments: Vec<(&str, FieldValue)>) {
        let mut table = FieldTable::new();
        for (name, value) in arguments {
            table.insert(name.try_into().unwrap(), value);
        }
        let queue = QueueDeclareArguments::durable_client_named(name).arguments(table).finish();
        self.channel.queue_declare(queue).await.unwrap();
    }

    /// Takes the next request, not yet acknowledged.
    async fn next_request(&self) -> (u64, Value) {
        wait_for("a work request", PATIENCE, || async {
            let got = self.channel.basic_get(BasicGetArguments::new("work_queue")).await.unwrap();
            got.map(|(got, _, body)| (got.delivery_tag(), serde_json::from_slice(&body).unwrap()))
        })
        .await
    }

    /// Acknowledges, then answers without much ado.
    async fn complete(&self, (tag, request): (u64, Value), output: &str) {
        self.channel.basic_ack(BasicAckArguments::new(tag, false)).await.unwrap();
        let answer = json!({
            "protocol_version": "1.0", "message_id": uuid::Uuid::new_v4(), "from_agent": "infra",
            "to_agent": "orchestrator", "timestamp": "2026-11-21T09:30:15.000001", "type": "work_result",
            "trace_id": request["trace_id"], "request_id": request["request_id"],
            "priority": request["priority"], "x_custom_fields": {},
            "payload": {
                "task_id": request["payload"]["task_id"], "status": "completed", "exit_code": 0,
                "output": output, "error_message": null, "duration_ms": 1, "agent_id": uuid::Uuid::new_v4(),
                "trace_id": request["trace_id"], "request_id": request["request_id"], "resources_used": {},
                "analysis_result": null,
            },
        });
        let properties = BasicProperties::default();
        let to_reply_queue = BasicPublishArguments::new("", "reply_queue");
        self.channel
            .basic_publish(properties, answer.to_string().into_bytes(), to_reply_queue)
            .await
            .unwrap();
    }

    /// Rejects as agents do: not to come back.
    async fn reject(&self, (tag, _): (u64, Value)) {
        self.channel.basic_nack(BasicNackArguments::new(tag, false, false)).await.unwrap();
    }
}

async fn work_goes_round(lane: &Lane, agent: &ForeignAgent) {
    let tap = lane.broker.tap("task.events", "task.completed").await;
    let task = task("echo");
    lane.publish(&created(task.clone())).await;
    agent.complete(agent.next_request().await, "Echo: hello").await;
    let completed = data(&lane.broker.next_message(&tap).await);
    assert_eq!(completed["task_id"], json!(task.task_id));
    assert_eq!(completed["request_id"], json!(task.request_id));
    assert_eq!(completed["output"], "Echo: hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_there_first_is_served() {
    let broker = TestBroker::create("agents").await;
    let agent = ForeignAgent::connect(&broker).await;
    let lane = Lane::start_on(broker, &[]).await;
    work_goes_round(&lane, &agent).await;
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_comes_later_finds_what_it_expects() {
    let lane = Lane::start(&[]).await;
    let agent = ForeignAgent::connect(&lane.broker).await;
    work_goes_round(&lane, &agent).await;
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_rejects_is_kept() {
    let lane = Lane::start(&[]).await;
    let agent = ForeignAgent::connect(&lane.broker).await;
    let task = task("echo");
    lane.publish(&created(task.clone())).await;
    agent.reject(agent.next_request().await).await;
    let kept = lane.broker.next_message("dlx_queue").await;
    assert_eq!(kept.body_json()["payload"]["task_id"], json!(task.task_id));
    assert_eq!(kept.header("x-first-death-reason"), Some("rejected"));
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_somebody_declared_otherwise_stop_the_agent_lane_and_no_other() {
    let broker = TestBroker::create("agents").await;
    broker.declare_queue("work_queue", &json!({ "x-max-priority": 10 })).await;
    let lane = Lane::start_without_agents(broker, &[]).await;
    let routed = lane.broker.tap("task.events", "task.ready.*").await;
    // More than are taken ahead of their acknowledgement.
    for _ in 0..400 {
        lane.publish(&created(task("echo"))).await;
    }
    let described = protocol::events::TaskCreated { work_type: None, parameters: None, ..task("none") };
    lane.publish(&created(described)).await;
    lane.broker.next_message(&routed).await;
}

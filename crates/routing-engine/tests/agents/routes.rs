//! Kinds of agents with a way of their own.

use messaging::BrokerSettings;
use protocol::vocabulary::AgentType;
use routing_engine::lanes::agent::plan;
use routing_engine::settings::Settings;
use serde_json::json;
use service_runtime::service::ServiceSettings;
use service_runtime::settings::{Layers, load};
use test_support::{Message, TestBroker};

use crate::foreign_agent::ForeignAgent;
use crate::lane::{Lane, cancelled, created, data, settings, task};

const DEFAULT_QUEUE: &str = "work_queue";

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_agents_may_have_its_own_virtual_host_and_answers_from_there_count() {
    let apart = TestBroker::create("agents-apart").await;
    // Their agents were there first.
    ForeignAgent::connect(&apart).await;
    let lane = Lane::start(&[("DATS_AGENTS__ROUTES__CODE__VIRTUAL_HOST", apart.vhost())]).await;
    let told = lane.broker.tap("task.events", "task.completed").await;
    let (shared, own) = (task("echo"), task("code_gen"));
    lane.publish(&created(shared.clone())).await;
    lane.publish(&created(own.clone())).await;
    let task_id = |message: Message| message.body_json()["payload"]["task_id"].clone();
    assert_eq!(task_id(lane.broker.next_message(DEFAULT_QUEUE).await), json!(shared.task_id));
    assert_eq!(task_id(apart.next_message(DEFAULT_QUEUE).await), json!(own.task_id));

    let answer =
        json!({ "type": "work_result", "payload": { "task_id": own.task_id, "status": "completed" } });
    apart.publish(Message::json("", "reply_queue", &answer)).await;
    assert_eq!(data(&lane.broker.next_message(&told).await)["task_id"], json!(own.task_id));

    apart.publish(Message::new("", "reply_queue", "garbage")).await;
    assert!(apart.next_message("reply_queue.dead").await.header("x-dats-reason").is_some());
    lane.publish(&cancelled(&own)).await;
    assert_eq!(apart.next_message(DEFAULT_QUEUE).await.body_json()["payload"]["work_type"], "cancel");
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_agents_may_have_its_own_broker() {
    let apart = TestBroker::create("agents-apart").await;
    let lane = Lane::start(&[("DATS_AGENTS__ROUTES__RESEARCH__URL", apart.url())]).await;
    lane.publish(&created(task("research"))).await;
    assert_eq!(apart.next_message(DEFAULT_QUEUE).await.body_json()["to_agent"], "research");
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_agents_may_have_its_own_queue() {
    let lane = Lane::start(&[("DATS_AGENTS__ROUTES__DESKTOP__QUEUE", "work_queue.desktop")]).await;
    let told = lane.broker.tap("task.events", "task.dispatched").await;
    lane.publish(&created(task("metrics"))).await;
    let message = lane.broker.next_message("work_queue.desktop").await;
    assert_eq!(message.body_json()["to_agent"], "desktop");
    assert_eq!(data(&lane.broker.next_message(&told).await)["queue"], "work_queue.desktop");
    assert_eq!(lane.broker.queue_depth(DEFAULT_QUEUE).await, Some(0));
    lane.stop().await;
}

fn lines(environment: &[(&str, &str)]) -> Vec<(String, Vec<(AgentType, String)>)> {
    let events = BrokerSettings::from_url("amqp://u:p@127.0.0.1:5672/main");
    let lines = plan(&settings(environment).agents, &events, "test").unwrap();
    lines.into_iter().map(|line| (line.broker.address().to_owned(), line.agents)).collect()
}

#[test]
fn kinds_of_agents_on_the_same_virtual_host_share_a_line() {
    assert_eq!(lines(&[]).len(), 1);
    let lines = lines(&[
        ("DATS_AGENTS__ROUTES__CODE__VIRTUAL_HOST", "apart"),
        ("DATS_AGENTS__ROUTES__RESEARCH__URL", "amqp://u:p@127.0.0.1:5672/apart"),
        ("DATS_AGENTS__ROUTES__RESEARCH__QUEUE", "work_queue.research"),
    ]);
    let agents = |wanted: &[(AgentType, &str)]| -> Vec<(AgentType, String)> {
        wanted.iter().map(|(agent_type, queue)| (*agent_type, (*queue).to_owned())).collect()
    };
    assert_eq!(
        lines,
        [
            (
                "127.0.0.1:5672/main".to_owned(),
                agents(&[(AgentType::Infra, DEFAULT_QUEUE), (AgentType::Desktop, DEFAULT_QUEUE)]),
            ),
            (
                "127.0.0.1:5672/apart".to_owned(),
                agents(&[(AgentType::Code, DEFAULT_QUEUE), (AgentType::Research, "work_queue.research")]),
            ),
        ]
    );
}

#[test]
fn the_table_of_work_types_can_be_added_to_moved_and_cut() {
    let changed = "{backup: infra, metrics: research, docker: ~}";
    let work_types = settings(&[("DATS_AGENTS__WORK_TYPES", changed)]).agents.work_types();
    assert_eq!(work_types.agent_type("backup"), Some(AgentType::Infra));
    assert_eq!(work_types.agent_type("metrics"), Some(AgentType::Research));
    assert_eq!(work_types.agent_type("docker"), None);
    assert_eq!(work_types.agent_type("ansible"), Some(AgentType::Infra));
    assert!(work_types.to_string().starts_with("ansible, backup, code_gen"), "{work_types}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_key() {
    for (key, value, named) in [
        ("DATS_AGENTS__WORK_TYPES", "{cancel: infra}", "agents.work_types.cancel"),
        ("DATS_AGENTS__WORK_TYPES", "{tidy: orchestrator}", "agents.work_types.tidy"),
        ("DATS_AGENTS__WORK_TYPES", "{tidy: kitchen}", "agents.work_types.tidy"),
        ("DATS_AGENTS__ROUTES__KITCHEN__QUEUE", "q", "agents.routes.kitchen"),
        ("DATS_AGENTS__ROUTES__INFRA__QUEUE", "reply_queue", "agents.routes.infra.queue"),
        ("DATS_AGENTS__ROUTES__INFRA__EXCHANGE", "x", "agents.routes.infra.exchange"),
        ("DATS_AGENTS__PERSISTENCE", "some", "agents.persistence"),
        ("DATS_AGENTS__MAX_REPLY_BYTES", "10", "agents.max_reply_bytes"),
    ] {
        let environment = [(key.to_owned(), value.to_owned())].into_iter();
        let layers = Layers { defaults: routing_engine::settings::DEFAULTS, file: None, environment };
        let refused = load::<Settings>(layers).and_then(|settings| settings.validate().map(|()| settings));
        assert!(refused.unwrap_err().to_string().contains(named), "{key}={value}");
    }
}

//! Agents: what their heartbeats and their silence come to, with a clock that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::events::{AgentHeartbeat, EventData};
use protocol::vocabulary::{AgentStatus, AgentType, Phase, TaskStatus};
use protocol::{AgentId, Event, TaskId};
use serde_json::json;
use uuid::Uuid;

use super::dispatch::dispatched;
use super::fixture::*;
use crate::agents::silence::{Found, look_after_silent_agents};
use crate::agents::store::delete_before;
use crate::agents::{Agent, AgentFilter, AgentRegistry};
use crate::reconcilers::Hearing;
use crate::reconcilers::agents::Silence;
use crate::reconcilers::schedule::Reconciler;
use crate::settings::AgentsSettings;
use crate::tasks::task::Task;

const MINUTE: Duration = Duration::from_secs(60);
const ONLINE: Duration = Duration::from_secs(180);
const DAY: Duration = Duration::from_secs(86_400);
const NIL: AgentId = AgentId(Uuid::nil());

fn agent(number: u128) -> AgentId {
    AgentId(Uuid::from_u128(number))
}

impl Replica {
    fn registry(&self) -> AgentRegistry {
        let settings = AgentsSettings {
            work_types: Default::default(),
            online_seconds: ONLINE.as_secs(),
            forget_after_seconds: DAY.as_secs(),
        };
        AgentRegistry::new(self.service.clone(), &settings)
    }

    /// A heartbeat that is received now. The agent's own clock is far behind, and nobody minds.
    fn heartbeat(&self, agent_id: AgentId, agent_type: AgentType, holds: Option<TaskId>) -> Event {
        let data = AgentHeartbeat {
            agent_id,
            agent_type,
            status: AgentStatus::Online,
            resources: json!({ "cpu_percent": 12.50, "disks": [{ "free": 1 }] })
                .as_object()
                .cloned()
                .unwrap(),
            current_task_id: holds,
            timestamp: "2020-01-01T00:00:00".parse().unwrap(),
        };
        Event::new("/orchestration/routing-engine", self.service.now(), data)
    }

    async fn hear(&self, agent_id: AgentId, holds: Option<TaskId>) {
        self.tell(vec![self.heartbeat(agent_id, AgentType::Infra, holds)]).await;
    }

    /// A minute passes, at the end of which the agent is heard.
    async fn hear_in_a_minute(&self, agent_id: AgentId, holds: Option<TaskId>) {
        self.pass_time(MINUTE).await;
        self.hear(agent_id, holds).await;
    }

    async fn agents(&self, filter: AgentFilter) -> Vec<Agent> {
        self.registry().list_agents(filter).await.unwrap()
    }

    async fn agents_in(&self, status: AgentStatus) -> usize {
        self.agents(AgentFilter { status: Some(status), agent_type: None }).await.len()
    }

    async fn look(&self) -> Found {
        look_after_silent_agents(&self.registry()).await.unwrap()
    }

    /// New work that waits in the agents' queue.
    async fn waiting_work(&self) -> Task {
        let task = self.dispatch_echo().await;
        self.tell(vec![dispatched(&task)]).await;
        task
    }

    fn gone(&self) -> Vec<AgentId> {
        let gone = |event: Event| match event.data {
            EventData::AgentOffline(offline) => Some(offline.agent_id),
            _ => None,
        };
        self.announced().into_iter().filter_map(gone).collect()
    }
}

#[tokio::test]
async fn an_agent_is_online_for_three_minutes_after_a_heartbeat_and_forgotten_after_a_day() {
    let gateway = Fixture::new("online").await;
    gateway.hear(agent(7), None).await;
    gateway.hear_in_a_minute(agent(7), None).await;
    let shown = gateway.registry().find_agent(agent(7)).await.unwrap().unwrap();
    assert_eq!((shown.agent_type, shown.status), (AgentType::Infra, AgentStatus::Online));
    assert_eq!(shown.resources.get(), r#"{"disks": [{"free": 1}], "cpu_percent": 12.5}"#);
    assert_eq!((shown.last_heartbeat_at - shown.first_seen_at).num_seconds(), 60);
    for (passes, online, offline) in [(ONLINE, 1, 0), (Duration::from_micros(1), 0, 1), (DAY - ONLINE, 0, 0)]
    {
        gateway.pass_time(passes).await;
        assert_eq!(gateway.agents_in(AgentStatus::Online).await, online, "{passes:?}");
        assert_eq!(gateway.agents_in(AgentStatus::Offline).await, offline, "{passes:?}");
    }
    assert!(gateway.registry().find_agent(agent(7)).await.unwrap().is_none());
    gateway.hear(agent(8), None).await;
    let mut conn = gateway.service.connection().await.unwrap();
    let forgotten = delete_before(&mut conn, gateway.registry().known_since(), 10).await.unwrap();
    assert_eq!((forgotten, gateway.number("SELECT count(*) FROM agents").await), (1, 1));
}

#[tokio::test]
async fn agents_are_busy_or_offline_as_they_say_and_are_filtered_by_that() {
    let gateway = Fixture::new("filters").await;
    let says = |number, agent_type, status| {
        let mut event = gateway.heartbeat(agent(number), agent_type, None);
        if let EventData::AgentHeartbeat(heartbeat) = &mut event.data {
            heartbeat.status = status;
        }
        event
    };
    gateway
        .tell(vec![
            says(1, AgentType::Infra, AgentStatus::Busy),
            says(2, AgentType::Infra, AgentStatus::Offline),
            says(3, AgentType::Code, AgentStatus::Online),
        ])
        .await;
    for (status, expected) in [(AgentStatus::Busy, 1), (AgentStatus::Offline, 1), (AgentStatus::Online, 1)] {
        assert_eq!(gateway.agents_in(status).await, expected, "{status}");
    }
    let infra = AgentFilter { agent_type: Some(AgentType::Infra), status: None };
    assert_eq!(gateway.agents(infra).await.len(), 2);
    let none = AgentFilter { agent_type: Some(AgentType::Code), status: Some(AgentStatus::Busy) };
    assert!(gateway.agents(none).await.is_empty());
}

#[tokio::test]
async fn the_newest_heartbeat_wins_in_any_order_and_a_redelivery_is_not_a_second_one() {
    let gateway = Fixture::new("newest").await;
    let second = gateway.second();
    let old = gateway.heartbeat(agent(7), AgentType::Infra, Some(TaskId::generate()));
    gateway.pass_time(MINUTE).await;
    let new = gateway.heartbeat(agent(7), AgentType::Infra, None);
    second.tell(vec![new.clone(), new.clone()]).await;
    gateway.tell(vec![new.clone(), old]).await;
    assert_eq!(gateway.number("SELECT heartbeats FROM agents").await, 1, "an older one says nothing new");
    assert_eq!(gateway.agents(AgentFilter::default()).await[0].current_task_id, None);
    gateway.hear_in_a_minute(agent(7), None).await;
    gateway.tell(vec![new]).await;
    assert_eq!(gateway.number("SELECT heartbeats FROM agents").await, 2);
    let mut from_the_future = gateway.heartbeat(agent(9), AgentType::Infra, None);
    from_the_future.time = "2999-01-01T00:00:00Z".parse().unwrap();
    gateway.tell(vec![from_the_future]).await;
    gateway.pass_time(ONLINE + MINUTE).await;
    assert_eq!(gateway.agents_in(AgentStatus::Online).await, 0);
}

#[tokio::test]
async fn a_heartbeat_that_names_a_task_says_who_holds_it_and_says_it_once() {
    let gateway = Fixture::new("holder").await;
    let task = gateway.waiting_work().await;
    let id = task.submission.id;
    for _ in 0..3 {
        gateway.hear_in_a_minute(agent(7), Some(id)).await;
    }
    let held = gateway.task(id).await;
    assert_eq!((held.phase, held.work.worker_id), (Phase::Executing, Some(agent(7).to_string())));
    assert!(held.started_at.is_some());
    let heard = gateway.history_words(id).await;
    assert_eq!(heard, ["task.submitted:applied", "task.dispatched:applied", "agent.heartbeat:applied"]);
    // Heartbeats about tasks of others, of nobody, and of workers change nothing and are done with.
    let for_workers = gateway.submit(new_task("web")).await.submission.id;
    gateway.hear(agent(8), Some(TaskId::generate())).await;
    gateway.hear(agent(9), Some(for_workers)).await;
    assert_eq!(gateway.phase(for_workers).await.1, Phase::Routing);
}

#[tokio::test]
async fn a_silent_agent_is_announced_once_and_its_task_gets_another_attempt() {
    let gateway = Fixture::new("silent").await;
    let second = gateway.second();
    let id = gateway.waiting_work().await.submission.id;
    let first_request = gateway.task(id).await.request_id;
    gateway.hear(agent(7), Some(id)).await;
    gateway.hear_in_a_minute(agent(7), Some(id)).await;
    gateway.pass_time(ONLINE).await;
    assert_eq!(gateway.look().await, Found::default(), "just heard in time");
    gateway.pass_time(Duration::from_secs(1)).await;
    let (one, other) = tokio::join!(gateway.look(), second.look());
    assert_eq!((one.silent + other.silent, one.lost + other.lost), (1, 1), "one replica sees to it");
    assert_eq!(gateway.look().await, Found::default());
    assert_eq!([gateway.gone(), second.gone()].concat(), [agent(7)]);
    let task = gateway.task(id).await;
    assert_eq!(
        (task.status, task.attempt, task.errors[0].code.as_str()),
        (TaskStatus::Pending, 2, "AGENT_LOST")
    );
    assert_eq!(gateway.history(id).await.iter().filter(|entry| entry.event == "agent.lost").count(), 1);

    gateway.pass_time(Duration::from_secs(5)).await;
    gateway.admit("ops").await;
    assert_ne!(gateway.task(id).await.request_id, first_request);
    gateway.hear(agent(7), None).await;
    assert_eq!(gateway.agents_in(AgentStatus::Online).await, 1, "it is back");
    gateway.pass_time(ONLINE + MINUTE).await;
    assert_eq!(gateway.look().await, Found { silent: 1, lost: 0 }, "and silent again");
    gateway.assert_counters_match_the_tasks().await;
}

#[tokio::test]
async fn an_id_that_was_seen_once_is_never_missed() {
    let gateway = Fixture::new("churn").await;
    let id = gateway.waiting_work().await.submission.id;
    for number in 1..=5 {
        gateway.hear_in_a_minute(agent(number), Some(id)).await;
    }
    assert_eq!(gateway.task(id).await.work.worker_id, Some(agent(5).to_string()), "the last one holds it");
    gateway.pass_time(ONLINE + MINUTE).await;
    assert_eq!(gateway.look().await, Found::default());
    assert_eq!(gateway.phase(id).await, (TaskStatus::Running, Phase::Executing));
    assert_eq!(gateway.agents_in(AgentStatus::Offline).await, 5);
}

#[tokio::test]
async fn progress_is_a_sign_of_life_too() {
    let gateway = Fixture::new("alive").await;
    let task = gateway.waiting_work().await;
    let id = task.submission.id;
    gateway.hear(agent(7), Some(id)).await;
    gateway.hear_in_a_minute(agent(7), Some(id)).await;
    gateway.pass_time(ONLINE).await;
    gateway.tell(vec![told("task.progress", id, json!({ "percent": 50.0 }))]).await;
    gateway.pass_time(MINUTE).await;
    assert_eq!(
        gateway.look().await,
        Found { silent: 1, lost: 0 },
        "its heartbeats are missed, its work is not"
    );
    gateway.pass_time(ONLINE).await;
    assert_eq!(gateway.look().await, Found { silent: 0, lost: 1 }, "now the work is missed too");
}

#[tokio::test]
async fn agents_without_an_id_are_told_apart_by_type_and_miss_only_what_they_named_themselves() {
    let gateway = Fixture::new("nil").await;
    let (ours, theirs) =
        (gateway.waiting_work().await.submission.id, gateway.waiting_work().await.submission.id);
    for _ in 0..2 {
        gateway.pass_time(MINUTE).await;
        let both = [(AgentType::Infra, ours), (AgentType::Code, theirs)];
        let heard = both.map(|(agent_type, task)| gateway.heartbeat(NIL, agent_type, Some(task)));
        gateway.tell(heard.to_vec()).await;
    }
    assert_eq!(gateway.agents(AgentFilter::default()).await.len(), 2);
    for _ in 0..4 {
        gateway.pass_time(MINUTE).await;
        gateway.tell(vec![gateway.heartbeat(NIL, AgentType::Code, Some(theirs))]).await;
    }
    assert_eq!(gateway.look().await, Found { silent: 1, lost: 1 });
    assert_eq!(gateway.task(ours).await.attempt, 2);
    assert_eq!(gateway.phase(theirs).await, (TaskStatus::Running, Phase::Executing));
    let last = gateway.registry().find_agent(NIL).await.unwrap().unwrap();
    assert_eq!(last.agent_type, AgentType::Code, "the one heard last");
}

#[tokio::test]
async fn nobody_is_missed_before_we_have_listened_long_enough_ourselves() {
    let gateway = Fixture::new("listening").await;
    let (listens, told) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
    let (ours, theirs) = (Arc::clone(&listens), Arc::clone(&told));
    let hearing = Hearing {
        listens: Box::new(move || ours.load(Ordering::Relaxed)),
        is_told: Box::new(move || Box::pin(std::future::ready(theirs.load(Ordering::Relaxed)))),
    };
    let mut silence = Silence::new(gateway.registry(), MINUTE, hearing);
    gateway.hear(agent(7), None).await;
    gateway.hear_in_a_minute(agent(7), None).await;
    gateway.pass_time(ONLINE + MINUTE).await;
    // After a start, after the broker was away, after the routing-engine was away: each time from the beginning.
    for away in [None, Some(&listens), Some(&told)] {
        if let Some(away) = away {
            gateway.pass_time(ONLINE).await;
            away.store(false, Ordering::Relaxed);
            silence.pass(true).await.unwrap();
            away.store(true, Ordering::Relaxed);
        }
        silence.pass(true).await.unwrap();
        gateway.pass_time(ONLINE - MINUTE).await;
        silence.pass(true).await.unwrap();
        assert_eq!(gateway.gone(), []);
    }
    gateway.pass_time(MINUTE).await;
    silence.pass(true).await.unwrap();
    assert_eq!(gateway.gone(), [agent(7)]);
}

#[tokio::test]
async fn ten_thousand_agents_are_heard_and_listed() {
    let gateway = Fixture::new("many").await;
    for batch in 0..50 {
        let numbers = (1..=200).map(|number| agent(batch * 200 + number));
        gateway.tell(numbers.map(|id| gateway.heartbeat(id, AgentType::Desktop, None)).collect()).await;
    }
    assert_eq!(gateway.agents(AgentFilter::default()).await.len(), 10_000);
    assert_eq!(gateway.agents_in(AgentStatus::Online).await, 10_000);
}

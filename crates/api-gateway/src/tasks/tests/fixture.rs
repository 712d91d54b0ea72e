//! A gateway's core on a database of its own, with a clock that the test moves and a notebook instead of a broker.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use messaging::{BatchHandler, HandlerError, OutboxEntry, Outcome, Received};
use protocol::envelope::Incoming;
use protocol::events::EventKind;
use protocol::vocabulary::{ExecutionMode, Phase, Priority, TaskStatus};
use protocol::{Event, ProjectId, TaskId, TraceId};
use serde_json::{Value, json};
use service_runtime::clock::ManualClock;
use service_runtime::database::{DatabaseSettings, connect, migrate};
use test_support::TestDatabase;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::MIGRATIONS;
use crate::live::LiveFeed;
use crate::reconcilers::{admission, timers};
use crate::tasks::decomposition::plan::PlanLimits;
use crate::tasks::event_application::EventHandler;
use crate::tasks::lifecycle::Rules;
use crate::tasks::queries::{self, HistoryEntry, TaskReader};
use crate::tasks::submission::{CollectorSettings, NewTask, Submitter};
use crate::tasks::task::Task;
use crate::tasks::{TaskService, TaskServiceParts};

/// Slots of a project that says nothing.
pub(super) const LIMIT: u32 = 3;

/// See the module.
pub(super) struct Fixture {
    pub(super) database: TestDatabase,
    pub(super) replica: Replica,
}

/// One gateway; several of them may share a database.
pub(super) struct Replica {
    pub(super) service: TaskService,
    pub(super) reader: TaskReader,
    pub(super) submitter: Submitter,
    pub(super) handler: EventHandler,
    pub(super) clock: ManualClock,
    announced: Arc<Mutex<Vec<Event>>>,
}

impl std::ops::Deref for Fixture {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

impl Fixture {
    pub(super) async fn new(hint: &str) -> Self {
        Self::with_rules(hint, Rules::default()).await
    }

    pub(super) async fn with_rules(hint: &str, rules: Rules) -> Self {
        let database = TestDatabase::create(hint).await;
        migrate(&DatabaseSettings::new(database.url()), &MIGRATIONS).await.unwrap();
        let clock = ManualClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let replica = Replica::start(database.url(), clock, rules);
        Self { database, replica }
    }

    /// Another gateway on the same database and clock.
    pub(super) fn second(&self) -> Replica {
        Replica::start(self.database.url(), self.clock.clone(), Rules::default())
    }

    /// The one number that a query gives.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        self.database.client().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Every project's counters, compared with its tasks.
    pub(super) async fn assert_counters_match_the_tasks(&self) {
        let differing = self.database.client().await.query(COUNTERS_THAT_DIFFER, &[]).await.unwrap();
        let differing: Vec<String> = differing.iter().map(|row| row.get(0)).collect();
        assert!(differing.is_empty(), "counters that differ from the tasks: {differing:#?}");
    }
}

/// One line for each project whose counters are not the sum over its tasks.
const COUNTERS_THAT_DIFFER: &str = "
    WITH summed AS (
        SELECT project_id,
            count(*) FILTER (WHERE phase IN ('routing', 'ready', 'executing', 'validating')) AS active,
            count(*) FILTER (WHERE phase = 'submitted' AND waiting_reason = 'slot') AS waiting,
            count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status = 'running') AS running,
            count(*) FILTER (WHERE status = 'completed') AS completed,
            count(*) FILTER (WHERE status = 'failed') AS failed,
            count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
            coalesce(sum(floor(extract(epoch FROM completed_at - admitted_at) * 1000))
                FILTER (WHERE status = 'completed'), 0)::bigint AS execution_time_ms
        FROM tasks GROUP BY project_id
    ), tiers AS (
        SELECT project_id, tier, count(*) AS tasks FROM tasks WHERE tier IS NOT NULL GROUP BY project_id, tier
    )
    SELECT 'counters of ' || project_id || ': ' || (projects.active, projects.waiting, projects.pending,
            projects.running, projects.completed, projects.failed, projects.cancelled, projects.execution_time_ms)
            || ', tasks: ' || summed::text
    FROM projects JOIN summed USING (project_id)
    WHERE (projects.active, projects.waiting, projects.pending, projects.running, projects.completed,
           projects.failed, projects.cancelled, projects.execution_time_ms)
       <> (summed.active, summed.waiting, summed.pending, summed.running, summed.completed,
           summed.failed, summed.cancelled, summed.execution_time_ms)
    UNION ALL
    SELECT 'tier ' || coalesce(counted.tier, tiers.tier) || ': ' || coalesce(counted.tasks, 0)
            || ', tasks: ' || coalesce(tiers.tasks, 0)
    FROM project_tiers counted FULL JOIN tiers USING (project_id, tier)
    WHERE coalesce(counted.tasks, 0) <> coalesce(tiers.tasks, 0)";

impl Replica {
    fn start(url: &str, clock: ManualClock, rules: Rules) -> Self {
        let announced: Arc<Mutex<Vec<Event>>> = Arc::default();
        let notebook = Arc::clone(&announced);
        let service = TaskService::new(TaskServiceParts {
            pool: connect(&DatabaseSettings::new(url)).unwrap(),
            announce: Arc::new(move |entries| {
                notebook.lock().unwrap().extend(entries.iter().map(read_entry));
            }),
            live: LiveFeed::default(),
            clock: Arc::new(clock.clone()),
            rules,
            max_concurrent_per_project: LIMIT,
        });
        let settings = CollectorSettings { capacity: 1024, max_batch: 256, writers: 2 };
        let (submitter, run) =
            Submitter::new(service.clone(), Priority::Normal, settings, CancellationToken::new());
        tokio::spawn(run);
        let handler = EventHandler::new(service.clone(), PlanLimits { max_subtasks: 20, max_depth: 2 });
        let (reader, run) = TaskReader::new(service.clone(), CancellationToken::new());
        tokio::spawn(run);
        Self { service, reader, submitter, handler, clock, announced }
    }

    /// A gateway that reaches the database by another address.
    pub(super) fn behind(url: &str, clock: &ManualClock) -> Self {
        Self::start(url, clock.clone(), Rules::default())
    }

    pub(super) async fn submit(&self, new: NewTask) -> Task {
        self.submitter.submit(new).await.unwrap()
    }

    /// Delivers events as one batch and tells what becomes of each.
    pub(super) async fn deliver(&self, events: Vec<Event>) -> Vec<Outcome> {
        self.handler.handle(events.into_iter().map(received).collect()).await.unwrap()
    }

    /// Delivers an event that was put back first `ago`.
    pub(super) async fn deliver_again(&self, event: Event, ago: Duration) -> Outcome {
        let first_failed_at = Some(self.service.now() - ago);
        let received = Received { first_failed_at, ..received(event) };
        self.handler.handle(vec![received]).await.unwrap().remove(0)
    }

    /// Delivers one event and tells whether it was handled.
    pub(super) async fn deliver_or_fail(&self, event: Event) -> Result<Vec<Outcome>, HandlerError> {
        self.handler.handle(vec![received(event)]).await
    }

    /// Delivers events and expects them to be done with.
    pub(super) async fn tell(&self, events: Vec<Event>) {
        for (index, outcome) in self.deliver(events).await.into_iter().enumerate() {
            assert_eq!(outcome, Outcome::Done, "event {index}");
        }
    }

    pub(super) async fn task(&self, id: TaskId) -> Task {
        queries::find_task(&self.service, id).await.unwrap().unwrap()
    }

    pub(super) async fn phase(&self, id: TaskId) -> (TaskStatus, Phase) {
        let task = self.task(id).await;
        (task.status, task.phase)
    }

    pub(super) async fn history(&self, id: TaskId) -> Vec<HistoryEntry> {
        queries::list_history(&self.service, id, None, 1000).await.unwrap().unwrap().entries
    }

    /// The history as `event:applied` or `event:ignored`.
    pub(super) async fn history_words(&self, id: TaskId) -> Vec<String> {
        let word = |entry: &HistoryEntry| {
            format!("{}:{}", entry.event, if entry.applied { "applied" } else { "ignored" })
        };
        self.history(id).await.iter().map(word).collect()
    }

    /// What was announced so far.
    pub(super) fn announced(&self) -> Vec<Event> {
        self.announced.lock().unwrap().clone()
    }

    /// Routing keys of what was announced about a task.
    pub(super) fn announced_about(&self, id: TaskId) -> Vec<String> {
        let about = |event: &&Event| event.data.task_id() == Some(id);
        self.announced().iter().filter(about).map(|event| event.data.routing_key()).collect()
    }

    /// The tiers that each release of a task told routing to keep from; null where it told none.
    pub(super) fn paused_tiers_told(&self, id: TaskId) -> Vec<Value> {
        let about =
            |event: &&Event| event.data.task_id() == Some(id) && event.data.kind() == EventKind::TaskCreated;
        let told = |event: &Event| serde_json::to_value(&event.data).unwrap()["paused_tiers"].clone();
        self.announced().iter().filter(about).map(told).collect()
    }

    pub(super) async fn pass_time(&self, by: Duration) {
        self.clock.advance(by);
        while timers::fire_due_timers(&self.service).await.unwrap() > 0 {}
    }

    pub(super) async fn admit(&self, project: &str) -> usize {
        let project = ProjectId::new(project).unwrap();
        admission::admit_waiting_tasks(&self.service, &project).await.unwrap()
    }
}

fn read_entry(entry: &OutboxEntry) -> Event {
    let message = &entry.message;
    let incoming = Incoming {
        routing_key: &message.routing_key,
        message_id: Some(&message.message_id),
        event_type: Some(&message.event_type),
        traceparent: message.traceparent.as_deref(),
        body: &message.body,
    };
    Event::decode(incoming, DateTime::UNIX_EPOCH.into()).unwrap()
}

fn received(event: Event) -> Received {
    Received { event, failures: 0, first_failed_at: None, traceparent: None }
}

/// A submission that asks for nothing special.
pub(super) fn new_task(project: &str) -> NewTask {
    NewTask {
        project_id: ProjectId::new(project).unwrap(),
        description: "write a parser".to_owned(),
        priority: None,
        mode: ExecutionMode::Autonomous,
        options: protocol::events::TaskOptions::default(),
        depends_on: Vec::new(),
        inputs: Vec::new(),
        not_before: None,
        metadata: protocol::events::JsonObject::new(),
        constitution: None,
        trace_id: TraceId::generate(),
    }
}

/// An event about a task, as somebody outside would publish it, with an id of its own.
pub(super) fn told(name: &str, task: TaskId, members: Value) -> Event {
    let mut body = json!({ "task_id": task });
    if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
        body.extend(members);
    }
    let body = serde_json::to_vec(&body).unwrap();
    let id = Uuid::new_v4().to_string();
    let incoming = Incoming { routing_key: name, message_id: Some(&id), body: &body, ..Incoming::default() };
    Event::decode(incoming, DateTime::UNIX_EPOCH.into()).unwrap()
}

pub(super) fn ready(task: &Task) -> Event {
    told(
        "task.ready.small",
        task.submission.id,
        json!({
            "project_id": task.submission.project_id, "domain": "code-general", "tier": "small",
            "description": "", "attempt": task.attempt, "mode": "modify", "qa_profile": "consensus",
            "priority": "normal", "provenance_id": Uuid::nil(),
            "routing": { "analyzer": "rules", "reasons": ["short"] }
        }),
    )
}

pub(super) fn started(task: &Task) -> Event {
    told("task.started", task.submission.id, json!({ "attempt": task.attempt, "worker_id": "worker-1" }))
}

pub(super) fn output(task: &Task) -> Event {
    let artifact = format!("artifact-of-{}", task.submission.id);
    told(
        "task.output.created",
        task.submission.id,
        json!({
            "attempt": task.attempt, "artifact_id": artifact, "worker_id": "worker-1",
            "output": { "artifacts": [{ "artifact_id": artifact, "type": "code", "checksum": "c0ffee" }] },
            "tokens_input": 100, "tokens_output": 20, "model_used": "m"
        }),
    )
}

pub(super) fn validated(task: &Task) -> Event {
    told("task.validated", task.submission.id, json!({ "attempt": task.attempt }))
}

pub(super) fn rejected(task: &Task) -> Event {
    told("task.rejected", task.submission.id, json!({ "attempt": task.attempt, "reason": "no tests" }))
}

pub(super) fn failed(task: &Task) -> Event {
    told("task.failed", task.submission.id, json!({ "attempt": task.attempt, "error": "crashed" }))
}

/// Everything that happens to a released task up to its completion.
pub(super) fn whole_way(task: &Task) -> Vec<Event> {
    vec![ready(task), started(task), output(task), validated(task)]
}

//! Two replicas over one database and one broker: what one changes, the watchers of the other are told.

use std::sync::Arc;
use std::time::Duration;

use messaging::{Broker, BrokerSettings, PublisherSettings};
use protocol::vocabulary::{ExecutionMode, Priority, TaskStatus};
use protocol::{ProjectId, TaskId, TraceId};
use service_runtime::clock::SystemClock;
use service_runtime::database::{DatabaseSettings, connect, migrate};
use service_runtime::shutdown::{Shutdown, TaskGroup};
use test_support::{PATIENCE, TestBroker, TestDatabase, wait_until};
use uuid::Uuid;

use crate::MIGRATIONS;
use crate::live::{
    Ending, Hub, LiveSettings, Opened, SubscribeError, Subscription, TaskUpdate, Watch, start,
};
use crate::tasks::cancellation::cancel_task;
use crate::tasks::lifecycle::Rules;
use crate::tasks::submission::{CollectorSettings, NewTask, Submitter};
use crate::tasks::{TaskService, TaskServiceParts};

struct Replica {
    service: TaskService,
    submitter: Submitter,
    hub: Hub,
    shutdown: Shutdown,
}

impl Replica {
    fn start(database: &TestDatabase, broker: &TestBroker, settings: &LiveSettings) -> Self {
        let pool = connect(&DatabaseSettings::new(database.url())).unwrap();
        let broker = Broker::new(&BrokerSettings::from_url(broker.url()), "test").unwrap();
        let shutdown = Shutdown::new();
        let tasks = TaskGroup::new(shutdown.clone());
        let (live, hub) = start(&broker, &PublisherSettings::default(), &pool, settings, &tasks, &shutdown);
        let service = TaskService::new(TaskServiceParts {
            pool,
            announce: Arc::new(|_| ()),
            live,
            clock: Arc::new(SystemClock),
            rules: Rules::default(),
            max_concurrent_per_project: 1_000,
        });
        let (submitter, write) = Submitter::new(
            service.clone(),
            Priority::Normal,
            CollectorSettings { capacity: 1024, max_batch: 256, writers: 2 },
            tokio_util::sync::CancellationToken::new(),
        );
        tokio::spawn(write);
        Self { service, submitter, hub, shutdown }
    }

    async fn submit(&self, trace_id: TraceId) -> TaskId {
        let new = NewTask {
            project_id: ProjectId::default(),
            description: "watched".to_owned(),
            priority: None,
            mode: ExecutionMode::Autonomous,
            options: serde_json::from_str("{}").unwrap(),
            depends_on: Vec::new(),
            inputs: Vec::new(),
            not_before: None,
            metadata: serde_json::Map::new(),
            constitution: None,
            trace_id,
        };
        self.submitter.submit(new).await.unwrap().submission.id
    }

    async fn cancel(&self, task: TaskId) {
        cancel_task(&self.service, task, None).await.unwrap();
    }

    async fn watch(&self, trace: TraceId) -> Opened {
        self.hub.subscribe(Watch::trace(trace)).await.unwrap()
    }

    /// Waits until both have their sessions with the broker: who watches before is served from the database,
    /// and what was not heard is told without what came before it.
    async fn until_heard_by(&self, other: &Self) {
        wait_until("replicas that hear each other", PATIENCE, || async {
            let trace = trace();
            let mut subscription = other.watch(trace).await.subscription;
            self.submit(trace).await;
            let told = tokio::time::timeout(Duration::from_secs(1), subscription.next()).await;
            told.is_ok_and(|update| update.unwrap().follows.is_some())
        })
        .await;
    }
}

struct Pair {
    database: TestDatabase,
    broker: TestBroker,
    one: Replica,
    two: Replica,
}

impl Pair {
    /// Replicas that look at the database so seldom that only messages can have told what a test sees.
    async fn new(hint: &str) -> Self {
        let settings = LiveSettings { resync_ms: 3_600_000, ..LiveSettings::default() };
        Self::with(hint, &settings).await
    }

    async fn with(hint: &str, settings: &LiveSettings) -> Self {
        let (database, broker) = tokio::join!(TestDatabase::create(hint), TestBroker::create(hint));
        migrate(&DatabaseSettings::new(database.url()), &MIGRATIONS).await.unwrap();
        let one = Replica::start(&database, &broker, settings);
        let two = Replica::start(&database, &broker, settings);
        tokio::join!(one.until_heard_by(&two), two.until_heard_by(&one));
        Self { database, broker, one, two }
    }
}

fn trace() -> TraceId {
    TraceId(Uuid::new_v4())
}

async fn next(subscription: &mut Subscription) -> Arc<TaskUpdate> {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("an update").unwrap()
}

#[tokio::test]
async fn changes_made_through_one_replica_reach_watchers_of_the_other_and_only_their_trace() {
    let pair = Pair::new("live-pair").await;
    let (mine, other) = (trace(), trace());
    let first = pair.one.submit(mine).await;
    let Opened { snapshot, mut subscription, .. } = pair.two.watch(mine).await;
    let shown: Vec<(TaskId, TaskStatus)> =
        snapshot.iter().map(|update| (update.task_id, update.status)).collect();
    assert_eq!(shown, [(first, TaskStatus::Pending)]);

    pair.one.submit(other).await;
    let second = pair.one.submit(mine).await;
    let update = next(&mut subscription).await;
    assert_eq!((update.task_id, update.trace_id), (second, mine));
    pair.one.cancel(first).await;
    let update = next(&mut subscription).await;
    assert_eq!((update.task_id, update.status), (first, TaskStatus::Cancelled));
    assert_eq!(update.sequence, snapshot[0].sequence + 1);
    pair.two.cancel(second).await;
    assert_eq!(next(&mut subscription).await.status, TaskStatus::Cancelled);
}

#[tokio::test]
async fn an_unknown_trace_has_an_empty_snapshot_and_its_first_task_is_told() {
    let pair = Pair::new("live-unknown").await;
    let mine = trace();
    let Opened { snapshot, mut subscription, .. } = pair.two.watch(mine).await;
    assert!(snapshot.is_empty());
    let task = pair.one.submit(mine).await;
    assert_eq!(next(&mut subscription).await.task_id, task);
}

#[tokio::test]
async fn who_comes_while_much_happens_misses_nothing_and_hears_nothing_twice() {
    let pair = Pair::new("live-busy").await;
    let mine = trace();
    let changing = async {
        for round in 0..40 {
            let (make, end) = if round % 2 == 0 { (&pair.one, &pair.two) } else { (&pair.two, &pair.one) };
            let task = make.submit(mine).await;
            end.cancel(task).await;
        }
    };
    let watching = async {
        let mut seen = Vec::new();
        for replica in [&pair.one, &pair.two, &pair.one, &pair.two] {
            seen.push(replica.watch(mine).await);
            pair.one.submit(trace()).await;
        }
        seen
    };
    let ((), opened) = tokio::join!(changing, watching);
    let last = pair.one.submit(mine).await;
    for Opened { snapshot, mut subscription, .. } in opened {
        let mut states: std::collections::HashMap<TaskId, (u64, TaskStatus)> =
            snapshot.iter().map(|update| (update.task_id, (update.sequence, update.status))).collect();
        // Replicas publish independently, so the last task may be told of before the end of one before it.
        let is_told = |states: &std::collections::HashMap<TaskId, (u64, TaskStatus)>| {
            states.len() == 41
                && states.iter().all(|(task, (_, status))| *task == last || *status == TaskStatus::Cancelled)
        };
        while !is_told(&states) {
            let update = next(&mut subscription).await;
            let (before, _) = states.insert(update.task_id, (update.sequence, update.status)).unzip();
            // One that was read and not heard of is told only if it is the next.
            let follows = update.follows.unwrap_or(update.sequence - 1);
            assert_eq!(follows, before.unwrap_or_default(), "{update:?}");
        }
    }
}

#[tokio::test]
async fn after_the_broker_was_away_what_was_missed_is_told() {
    let pair = Pair::new("live-away").await;
    let mine = trace();
    let task = pair.one.submit(mine).await;
    let mut subscription = pair.two.watch(mine).await.subscription;
    assert!(pair.broker.close_all_connections().await > 0);
    pair.one.cancel(task).await;
    assert_eq!(next(&mut subscription).await.status, TaskStatus::Cancelled);
}

#[tokio::test]
async fn a_change_whose_message_was_lost_is_found_by_looking() {
    let settings = LiveSettings { resync_ms: 200, ..LiveSettings::default() };
    let pair = Pair::with("live-lost", &settings).await;
    let mine = trace();
    let task = pair.one.submit(mine).await;
    let mut subscription = pair.two.watch(mine).await.subscription;
    // As if the process that made the change had died before it could tell.
    let sql =
        format!("UPDATE tasks SET sequence = sequence + 5, progress_percent = 70 WHERE task_id = '{task}'");
    pair.database.client().await.batch_execute(&sql).await.unwrap();
    assert!((next(&mut subscription).await.progress.percent - 70.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_process_has_only_so_many_subscribers_and_who_leaves_makes_room() {
    let settings = LiveSettings { max_subscribers: 2, ..LiveSettings::default() };
    let pair = Pair::with("live-full", &settings).await;
    let (first, second) = (pair.one.watch(trace()).await, pair.one.watch(trace()).await);
    assert_eq!(pair.one.hub.subscribe(Watch::trace(trace())).await.err(), Some(SubscribeError::Full));
    drop(first);
    wait_until("a free seat", PATIENCE, || async {
        pair.one.hub.subscribe(Watch::trace(trace())).await.is_ok()
    })
    .await;
    drop(second);
}

#[tokio::test]
async fn subscriptions_end_when_the_process_stops_or_the_watcher_is_too_slow() {
    let settings = LiveSettings { queue: 2, ..LiveSettings::default() };
    let pair = Pair::with("live-end", &settings).await;
    let (mine, quiet) = (trace(), trace());
    let mut slow = pair.two.watch(mine).await.subscription;
    let mut patient = pair.two.watch(quiet).await.subscription;
    for _ in 0..5 {
        pair.one.submit(mine).await;
    }
    assert_eq!(tokio::time::timeout(PATIENCE, slow.ended()).await, Ok(Ending::TooSlow));
    pair.two.shutdown.request("test");
    let ended = tokio::time::timeout(PATIENCE, patient.next()).await.expect("an end");
    assert_eq!(ended.err(), Some(Ending::Stopping));
    assert_eq!(pair.two.hub.subscribe(Watch::trace(quiet)).await.err(), Some(SubscribeError::Stopping));
    assert!(
        tokio::time::timeout(Duration::from_secs(1), pair.one.hub.subscribe(Watch::trace(quiet)))
            .await
            .is_ok()
    );
}

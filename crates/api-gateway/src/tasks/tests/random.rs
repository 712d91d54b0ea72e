//! Random sequences of calls and events, duplicated and out of order, against the real store.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use protocol::TaskId;
use protocol::vocabulary::{Phase, Priority};

use super::fixture::*;
use crate::reconcilers::dependencies::release_decided_tasks;
use crate::tasks::cancellation::cancel_task;
use crate::tasks::queries::HistoryEntry;
use crate::tasks::retry::retry_task;
use crate::tasks::submission::NewTask;

/// One thing that somebody does.
#[derive(Debug, Clone, Copy)]
enum Step {
    Submit { urgent: bool, after: Option<usize> },
    Tell { task: usize, what: usize, attempt: u32 },
    Redeliver { event: usize },
    Cancel { task: usize },
    Retry { task: usize },
    PassTime { seconds: u64 },
    Admit,
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<bool>(), prop::option::weighted(0.3, 0usize..8))
            .prop_map(|(urgent, after)| Step::Submit { urgent, after }),
        12 => (0usize..8, 0usize..6, 0u32..3).prop_map(|(task, what, attempt)| Step::Tell { task, what, attempt }),
        2 => (0usize..40).prop_map(|event| Step::Redeliver { event }),
        1 => (0usize..8).prop_map(|task| Step::Cancel { task }),
        1 => (0usize..8).prop_map(|task| Step::Retry { task }),
        1 => (1u64..700).prop_map(|seconds| Step::PassTime { seconds }),
        2 => Just(Step::Admit),
        1 => Just(Step::Release),
    ]
}

struct World<'a> {
    gateway: &'a Fixture,
    project: String,
    tasks: Vec<TaskId>,
    events: Vec<protocol::Event>,
}

impl World<'_> {
    async fn take(&mut self, step: Step) {
        let gateway = self.gateway;
        match step {
            Step::Submit { urgent, after } => {
                let depends_on = after.and_then(|index| self.tasks.get(index)).copied().into_iter().collect();
                let priority = Some(if urgent { Priority::High } else { Priority::Low });
                let new = NewTask { priority, depends_on, ..new_task(&self.project) };
                self.tasks.push(gateway.submit(new).await.submission.id);
            }
            Step::Tell { task, what, attempt } => {
                let Some(&id) = self.tasks.get(task) else { return };
                let mut task = gateway.task(id).await;
                // About the current attempt, the one before, or one that is still to come.
                task.attempt = (task.attempt + attempt).saturating_sub(1).max(1);
                let event = [ready, started, output, validated, rejected, failed][what](&task);
                self.events.push(event.clone());
                gateway.deliver(vec![event]).await;
            }
            Step::Redeliver { event } => {
                if let Some(event) = self.events.get(event) {
                    gateway.deliver(vec![event.clone()]).await;
                }
            }
            Step::Cancel { task } => {
                if let Some(&id) = self.tasks.get(task) {
                    let _ = cancel_task(&gateway.service, id, None).await;
                }
            }
            Step::Retry { task } => {
                if let Some(&id) = self.tasks.get(task) {
                    let _ = retry_task(&gateway.service, id).await;
                }
            }
            Step::PassTime { seconds } => gateway.pass_time(Duration::from_secs(seconds)).await,
            Step::Admit => {
                gateway.admit(&self.project).await;
            }
            Step::Release => {
                release_decided_tasks(&gateway.service, None).await.unwrap();
            }
        }
    }

    async fn check(&self) {
        self.gateway.assert_counters_match_the_tasks().await;
        let sql = format!("SELECT active FROM projects WHERE project_id = '{}'", self.project);
        if !self.tasks.is_empty() {
            assert!(self.gateway.number(&sql).await <= i64::from(LIMIT));
        }
        for &id in &self.tasks {
            check_history(&self.gateway.history(id).await);
        }
    }

    /// Everything that was ever told, told again, changes nothing.
    async fn replay(&self) {
        let mut before = Vec::new();
        for &id in &self.tasks {
            before.push((self.gateway.task(id).await, self.gateway.history(id).await.len()));
        }
        let applied: Vec<_> = self.applied_events().await;
        self.gateway.deliver(applied).await;
        for ((task, lines), &id) in before.iter().zip(&self.tasks) {
            assert_eq!(&self.gateway.task(id).await, task);
            assert_eq!(self.gateway.history(id).await.len(), *lines);
        }
    }

    /// The events that the inbox remembers; an early one that is still waiting may well be applied by a replay.
    async fn applied_events(&self) -> Vec<protocol::Event> {
        let rows = self
            .gateway
            .database
            .client()
            .await
            .query("SELECT event_id::text FROM inbox", &[])
            .await
            .unwrap();
        let known: std::collections::HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
        self.events.iter().filter(|event| known.contains(&event.id.to_string())).cloned().collect()
    }
}

/// Applied changes connect, phases of an attempt only move forward, and an attempt ends once.
pub(super) fn check_history(history: &[HistoryEntry]) {
    let applied: Vec<&HistoryEntry> = history.iter().filter(|entry| entry.applied).collect();
    for pair in applied.windows(2) {
        let [one, next] = pair else { continue };
        assert_eq!(one.to_phase, next.from_phase, "{one:?} {next:?}");
        let begins_anew = next.to_phase == Phase::Submitted;
        assert!(begins_anew || next.to_phase >= next.from_phase, "{next:?}");
    }
}

#[test]
fn counters_limits_and_histories_hold_after_any_sequence() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(Fixture::new("random"));
    let cases = std::sync::atomic::AtomicUsize::new(0);
    let mut runner = TestRunner::new(Config {
        cases: 24,
        max_shrink_iters: 64,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(step(), 1..60), |steps| {
            let case = cases.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            runtime.block_on(async {
                let mut world = World {
                    gateway: &gateway,
                    project: format!("case-{case}"),
                    tasks: Vec::new(),
                    events: Vec::new(),
                };
                for step in steps {
                    world.take(step).await;
                }
                world.check().await;
                world.replay().await;
            });
            Ok(())
        })
        .unwrap();
    drop(gateway);
    runtime.block_on(async {});
}

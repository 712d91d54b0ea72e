//! Random life of a fleet: calls and events, duplicated, reordered, dropped and delivered again, through two gateways at
//! once of which either may crash at any time, against the real state machine and store. Whatever happened: counters are
//! the sum over the tasks, limits are kept, an attempt has one end, phases of an attempt only move forward, what was
//! heard before changes nothing, and once timers run every task comes to an end.
//!
//! Each case prints its seed. `DATS_TEST_SEED=<seed>` runs that case alone, `DATS_TEST_CASES=<n>` more of them.

use std::collections::HashMap;
use std::time::Duration;

use protocol::events::TaskOptions;
use protocol::vocabulary::{Phase, Priority, QaProfile, ReviewDecision};
use protocol::{Event, ProjectId, TaskId};
use serde_json::json;

use super::fixture::*;
use super::random::check_history;
use crate::pauses::{self, PauseRequest};
use crate::reconcilers::dependencies::release_decided_tasks;
use crate::reconcilers::family::{cancel_orphans, count_subtasks};
use crate::reviews::answer::answer_review;
use crate::reviews::{Answer, ReviewId};
use crate::tasks::cancellation::cancel_task;
use crate::tasks::retry::retry_task;
use crate::tasks::submission::NewTask;
use crate::tasks::task::Task;

/// Cases of one run, unless the environment says otherwise.
const CASES: u64 = 2;
/// Steps of one case.
const STEPS: usize = 70;
/// Tasks of one case.
const MOST_TASKS: usize = 14;

/// Numbers that follow from a seed alone (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.roll(index + 1));
        }
    }
}

struct Fleet<'a> {
    gateway: &'a Fixture,
    replicas: [Replica; 2],
    dice: Dice,
    projects: [ProjectId; 2],
    tasks: Vec<TaskId>,
    /// Everything that was ever told.
    told: Vec<Event>,
    /// What was told and got lost on its way; it comes later.
    lost: Vec<Event>,
}

impl<'a> Fleet<'a> {
    fn new(gateway: &'a Fixture, seed: u64) -> Self {
        let project = |number: u32| ProjectId::new(format!("case-{seed}-{number}")).unwrap();
        Self {
            gateway,
            replicas: [gateway.second(), gateway.second()],
            dice: Dice(seed),
            projects: [project(0), project(1)],
            tasks: Vec::new(),
            told: Vec::new(),
            lost: Vec::new(),
        }
    }

    fn any_task(&mut self) -> Option<TaskId> {
        let count = self.tasks.len();
        if count == 0 { None } else { Some(self.tasks[self.dice.roll(count)]) }
    }

    async fn step(&mut self) {
        match self.dice.roll(20) {
            0..=2 => self.submit().await,
            3..=10 => self.tell().await,
            11 => self.deliver_what_was_lost().await,
            12 => self.redeliver().await,
            13 => self.call_at_both().await,
            14 => self.answer().await,
            15 => self.pause_or_resume().await,
            16 => {
                let seconds = 1 + self.dice.roll(400) as u64;
                self.gateway.pass_time(Duration::from_secs(seconds)).await;
            }
            17 => {
                // It loses everything that it had only in memory, what it would have published included.
                let victim = self.dice.roll(2);
                self.replicas[victim] = self.gateway.second();
            }
            _ => self.reconcile().await,
        }
    }

    async fn submit(&mut self) {
        if self.tasks.len() >= MOST_TASKS {
            return;
        }
        let dice = &mut self.dice;
        let project = self.projects[dice.roll(2)].clone();
        let priority = [None, Some(Priority::Low), Some(Priority::Critical)][dice.roll(3)];
        let options = TaskOptions {
            qa_profile: [None, Some(QaProfile::None)][usize::from(dice.chance(15))].clone(),
            max_attempts: [None, Some(1), Some(2)][dice.roll(3)],
            decompose: dice.chance(20),
            ..TaskOptions::default()
        };
        let mut depends_on = Vec::new();
        if dice.chance(25) && !self.tasks.is_empty() {
            let other = self.tasks[dice.roll(self.tasks.len())];
            if self.gateway.task(other).await.submission.project_id == project {
                depends_on.push(other);
            }
        }
        let new = NewTask { priority, options, depends_on, ..new_task(project.as_str()) };
        let replica = &self.replicas[self.dice.roll(2)];
        self.tasks.push(replica.submit(new).await.submission.id);
    }

    /// Some events about a task: of its current attempt, the one before or one that is still to come.
    async fn tell(&mut self) {
        let Some(id) = self.any_task() else { return };
        let mut task = self.gateway.task(id).await;
        if self.dice.chance(15) {
            task.attempt =
                (task.attempt + u32::try_from(self.dice.roll(3)).unwrap()).saturating_sub(1).max(1);
        }
        let mut events = if self.dice.chance(30) { whole_way(&task) } else { vec![self.event(&task)] };
        if self.dice.chance(50) {
            self.dice.shuffle(&mut events);
        }
        if self.dice.chance(20) {
            events.push(events[0].clone());
        }
        self.told.extend(events.iter().cloned());
        if self.dice.chance(10) {
            self.lost.extend(events);
            return;
        }
        self.deliver(events).await;
    }

    fn event(&mut self, task: &Task) -> Event {
        let id = task.submission.id;
        match self.dice.roll(10) {
            0 | 1 => ready(task),
            2 | 3 => output(task),
            4 => started(task),
            5 => validated(task),
            6 => rejected(task),
            7 => failed(task),
            8 => {
                let members =
                    json!({ "review_id": format!("r-{id}"), "reason": "odd", "attempt": task.attempt });
                told("review.requested", id, members)
            }
            _ => {
                let step = |name: &str, after: Vec<&str>| json!({ "id": name, "description": "part", "dependencies": after });
                let subtasks = json!([step("a", vec![]), step("b", vec!["a"])]);
                told("task.decomposed", id, json!({ "attempt": task.attempt, "subtasks": subtasks }))
            }
        }
    }

    /// To one gateway, or to both at the same moment, as when the first one's acknowledgement was lost.
    async fn deliver(&mut self, events: Vec<Event>) {
        let [one, other] = &self.replicas;
        if self.dice.chance(25) {
            tokio::join!(one.deliver(events.clone()), other.deliver(events));
        } else if self.dice.chance(50) {
            one.deliver(events).await;
        } else {
            other.deliver(events).await;
        }
        self.adopt_subtasks().await;
    }

    async fn adopt_subtasks(&mut self) {
        let projects = self.projects.each_ref().map(|id| format!("'{id}'")).join(", ");
        let sql = format!(
            "SELECT task_id::text FROM tasks WHERE parent_id IS NOT NULL AND project_id IN ({projects})"
        );
        for row in self.gateway.database.client().await.query(&sql, &[]).await.unwrap() {
            let id: TaskId = row.get::<_, String>(0).parse().unwrap();
            if !self.tasks.contains(&id) {
                self.tasks.push(id);
            }
        }
    }

    async fn deliver_what_was_lost(&mut self) {
        let mut lost = std::mem::take(&mut self.lost);
        self.dice.shuffle(&mut lost);
        self.deliver(lost).await;
    }

    async fn redeliver(&mut self) {
        if !self.told.is_empty() {
            let again = self.told[self.dice.roll(self.told.len())].clone();
            self.deliver(vec![again]).await;
        }
    }

    /// Somebody cancels or tries again while somebody else hears the verdict.
    async fn call_at_both(&mut self) {
        let Some(id) = self.any_task() else { return };
        let task = self.gateway.task(id).await;
        let verdict = if self.dice.chance(50) { validated(&task) } else { failed(&task) };
        self.told.push(verdict.clone());
        let [one, other] = &self.replicas;
        if self.dice.chance(50) {
            let _ = tokio::join!(cancel_task(&one.service, id, None), other.deliver(vec![verdict]));
        } else {
            let _ = tokio::join!(retry_task(&one.service, id), other.deliver(vec![verdict]));
        }
    }

    async fn answer(&mut self) {
        let Some(id) = self.any_task() else { return };
        let review: ReviewId = format!("r-{id}").parse().unwrap();
        let decision = [ReviewDecision::Approved, ReviewDecision::Rejected, ReviewDecision::ChangesRequested];
        let answer =
            |decision| Answer { decision, comments: None, required_changes: Vec::new(), reviewer: None };
        let (first, second) = (answer(decision[self.dice.roll(3)]), answer(decision[self.dice.roll(3)]));
        let [one, other] = &self.replicas;
        let (first, second) = tokio::join!(
            answer_review(&one.service, &review, &first),
            answer_review(&other.service, &review, &second)
        );
        assert!(first.is_err() || second.is_err(), "one review took two answers");
    }

    async fn pause_or_resume(&mut self) {
        let project = &self.projects[self.dice.roll(2)];
        let service = &self.replicas[self.dice.roll(2)].service;
        if self.dice.chance(40) {
            pauses::pause_project(service, project, &PauseRequest::default()).await.unwrap();
        } else {
            pauses::resume_project(service, project).await.unwrap();
        }
    }

    async fn reconcile(&self) {
        let [one, other] = &self.replicas;
        let [first, second] = self.projects.each_ref().map(ProjectId::as_str);
        tokio::join!(one.admit(first), other.admit(first), one.admit(second), other.admit(second));
        release_decided_tasks(&one.service, None).await.unwrap();
        count_subtasks(&other.service, None).await.unwrap();
        cancel_orphans(&one.service, None).await.unwrap();
    }

    async fn check(&self) {
        self.gateway.assert_counters_match_the_tasks().await;
        let over = format!("SELECT count(*) FROM projects WHERE active > {LIMIT}");
        assert_eq!(self.gateway.number(&over).await, 0, "more tasks hold a slot than may");
        for &id in &self.tasks {
            let history = self.gateway.history(id).await;
            check_history(&history);
            let mut ends: HashMap<u32, usize> = HashMap::new();
            let is_end = |from: Phase, to: Phase| from != Phase::Done && to == Phase::Done;
            for entry in
                history.iter().filter(|entry| entry.applied && is_end(entry.from_phase, entry.to_phase))
            {
                *ends.entry(entry.attempt).or_default() += 1;
            }
            assert!(ends.values().all(|&ends| ends == 1), "an attempt of {id} ended twice: {ends:?}");
            let announced = format!(
                "SELECT count(*) FROM outbox WHERE correlation_id = '{id}' AND routing_key IN \
                 ('task.status.completed', 'task.status.failed', 'task.status.cancelled')"
            );
            let announced = self.gateway.number(&announced).await;
            assert_eq!(announced, i64::try_from(ends.len()).unwrap(), "each end is announced once: {id}");
        }
    }

    /// Nobody says anything any more: timers alone bring every task to its end.
    async fn run_out(&mut self) {
        for project in &self.projects {
            pauses::resume_project(&self.gateway.service, project).await.unwrap();
        }
        let projects = self.projects.each_ref().map(|id| format!("'{id}'")).join(", ");
        let open = format!("SELECT count(*) FROM tasks WHERE phase <> 'done' AND project_id IN ({projects})");
        let mut rounds = 0;
        while self.gateway.number(&open).await > 0 {
            assert!(rounds < 100, "some task never ends");
            // Short waits first; then as long as people and families may take.
            let seconds = if rounds < 60 { 700 } else { 8 * 24 * 3600 };
            self.gateway.pass_time(Duration::from_secs(seconds)).await;
            self.reconcile().await;
            rounds += 1;
        }
    }

    /// Everything that was ever taken in, told again to a third gateway, changes nothing.
    async fn replay(&self) {
        let lines = "SELECT count(*) FROM task_history";
        let changes = "SELECT coalesce(sum(sequence), 0)::bigint FROM tasks";
        let before = (self.gateway.number(lines).await, self.gateway.number(changes).await);
        let rows = self
            .gateway
            .database
            .client()
            .await
            .query("SELECT event_id::text FROM inbox", &[])
            .await
            .unwrap();
        let known: std::collections::HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
        let again = self.told.iter().filter(|event| known.contains(&event.id.to_string())).cloned().collect();
        self.gateway.second().deliver(again).await;
        assert_eq!((self.gateway.number(lines).await, self.gateway.number(changes).await), before);
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[tokio::test]
async fn a_fleet_of_crashing_gateways_keeps_every_promise_whatever_it_is_told() {
    let gateway = Fixture::new("fleet").await;
    let seeds: Vec<u64> = match from_environment("DATS_TEST_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first: u64 = rand::random::<u32>().into();
            (0..from_environment("DATS_TEST_CASES").unwrap_or(CASES)).map(|case| first + case).collect()
        }
    };
    for seed in seeds {
        println!("DATS_TEST_SEED={seed}");
        let mut fleet = Fleet::new(&gateway, seed);
        for _ in 0..STEPS {
            fleet.step().await;
        }
        fleet.check().await;
        fleet.run_out().await;
        fleet.check().await;
        fleet.replay().await;
    }
}

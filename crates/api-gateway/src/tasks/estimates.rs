//! When a task will probably be completed: from measured durations of its tier and domain, and from what waits
//! before it. Nothing is assumed: before anything was measured there is no estimate.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use protocol::vocabulary::Phase;

use super::store::durations::DurationRow;
use super::task::{Task, WaitingReason};

/// The numbers that estimates are made from.
#[derive(Default)]
pub(crate) struct Estimates {
    numbers: RwLock<Numbers>,
}

#[derive(Default)]
struct Numbers {
    /// Mean by tier and domain.
    by_kind: HashMap<(String, String), f64>,
    /// Mean by tier.
    by_tier: HashMap<String, f64>,
    /// Mean of everything.
    overall: Option<f64>,
    /// How many rounds of its slots a project's queue is long.
    rounds: HashMap<String, f64>,
}

/// A mean that is fed with groups of samples.
#[derive(Default)]
struct Mean {
    samples: f64,
    sum: f64,
}

impl Mean {
    fn add(&mut self, samples: i64, mean: f64) {
        // Old samples count less, as they do in the averages themselves.
        let weight = samples.clamp(0, 100) as f64;
        self.samples += weight;
        self.sum += weight * mean;
    }

    fn value(&self) -> Option<f64> {
        (self.samples > 0.0).then(|| self.sum / self.samples)
    }
}

impl Estimates {
    /// Takes over freshly read numbers.
    pub(crate) fn replace(&self, durations: Vec<DurationRow>, rounds: impl Iterator<Item = (String, f64)>) {
        let mut overall = Mean::default();
        let mut tiers: HashMap<String, Mean> = HashMap::new();
        for (tier, _, samples, mean) in &durations {
            overall.add(*samples, *mean);
            tiers.entry(tier.clone()).or_default().add(*samples, *mean);
        }
        let numbers = Numbers {
            by_kind: durations.into_iter().map(|(tier, domain, _, mean)| ((tier, domain), mean)).collect(),
            by_tier: tiers.into_iter().filter_map(|(tier, mean)| Some((tier, mean.value()?))).collect(),
            overall: overall.value(),
            rounds: rounds.collect(),
        };
        *self.numbers.write().unwrap_or_else(PoisonError::into_inner) = numbers;
    }

    /// See [`super::TaskService::estimate_completion`].
    pub(crate) fn completion(&self, task: &Task, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        let mean = numbers.mean_ms(task)?;
        match task.phase {
            Phase::Done | Phase::Blocked | Phase::InReview | Phase::Decomposed => None,
            // Nobody can foresee when it is resumed.
            Phase::Submitted if waits_for(task, WaitingReason::Pause) => None,
            Phase::Submitted => {
                let begins = numbers.begins_at(task, mean, now);
                Some(begins + milliseconds(mean))
            }
            Phase::Routing | Phase::Ready | Phase::Executing | Phase::Validating => {
                // An overdue task says nothing about how much longer it takes; the mean is what is known.
                let expected = task.admitted_at.unwrap_or(now) + milliseconds(mean);
                Some(if expected > now { expected } else { now + milliseconds(mean) })
            }
        }
    }
}

impl Numbers {
    /// The mean of what is most like the task. Before it is routed, its wishes are all that is known.
    fn mean_ms(&self, task: &Task) -> Option<f64> {
        let options = &task.submission.options;
        let tier = task.tier.as_ref().or(options.tier.as_ref());
        let domain = task.domain.as_ref().or(options.domain.as_ref());
        let of_kind = || self.by_kind.get(&(tier?.as_str().to_owned(), domain?.as_str().to_owned()));
        let of_tier = || self.by_tier.get(tier?.as_str());
        of_kind().or_else(of_tier).copied().or(self.overall)
    }

    fn begins_at(&self, task: &Task, mean: f64, now: DateTime<Utc>) -> DateTime<Utc> {
        let waits_for_time = waits_for(task, WaitingReason::Backoff);
        let earliest = task.wake_at.filter(|_| waits_for_time).map_or(now, |due| due.max(now));
        let rounds = self.rounds.get(task.submission.project_id.as_str()).copied().unwrap_or_default();
        earliest + milliseconds(rounds * mean)
    }
}

fn waits_for(task: &Task, reason: WaitingReason) -> bool {
    task.waiting.as_ref().is_some_and(|waiting| waiting.reason == reason)
}

fn milliseconds(amount: f64) -> TimeDelta {
    // A thousand years is as good as never, and keeps the arithmetic of times from overflowing.
    TimeDelta::milliseconds(amount.clamp(0.0, 3.2e13) as i64)
}

#[cfg(test)]
mod tests {
    use protocol::events::{JsonObject, TaskOptions};
    use protocol::vocabulary::{ExecutionMode, Priority, Tier};
    use protocol::{ProjectId, RequestId, TaskId, TraceId};

    use super::*;
    use crate::tasks::lifecycle::Rules;
    use crate::tasks::task::Submission;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn waiting_task(tier: Option<Tier>) -> Task {
        let submission = Submission {
            id: TaskId::generate(),
            project_id: ProjectId::default(),
            description: String::new(),
            priority: Priority::Normal,
            execution_mode: ExecutionMode::Autonomous,
            options: TaskOptions { tier, ..TaskOptions::default() },
            inputs: Vec::new(),
            depends_on: Vec::new(),
            not_before: None,
            metadata: JsonObject::new(),
            constitution: None,
            parent_id: None,
            work_type: None,
            parameters: None,
            trace_id: TraceId::generate(),
            request_id: RequestId::generate(),
            created_at: now(),
        };
        Task::submitted(submission, &Rules::default(), false)
    }

    fn measured() -> Estimates {
        let estimates = Estimates::default();
        let row =
            |tier: &str, domain: &str, samples, mean| (tier.to_owned(), domain.to_owned(), samples, mean);
        let durations = vec![row("small", "analysis", 1, 1000.0), row("large", "analysis", 3, 5000.0)];
        estimates.replace(durations, std::iter::empty());
        estimates
    }

    #[test]
    fn nothing_is_estimated_before_anything_is_measured() {
        assert_eq!(Estimates::default().completion(&waiting_task(None), now()), None);
    }

    #[test]
    fn the_mean_of_what_is_most_like_the_task_counts() {
        let in_ms =
            |tier| (measured().completion(&waiting_task(tier), now()).unwrap() - now()).num_milliseconds();
        assert_eq!(in_ms(Some(Tier::Small)), 1000);
        assert_eq!(in_ms(Some(Tier::Large)), 5000);
        assert_eq!(in_ms(Some(Tier::Tiny)), 4000, "nothing of its tier is measured: the mean of everything");
    }

    #[test]
    fn what_waits_before_a_task_delays_it() {
        let estimates = measured();
        let durations = vec![("small".to_owned(), "analysis".to_owned(), 1, 1000.0)];
        estimates.replace(durations, std::iter::once(("default".to_owned(), 2.5)));
        let expected = now() + TimeDelta::milliseconds(3500);
        assert_eq!(estimates.completion(&waiting_task(None), now()), Some(expected));
    }

    #[test]
    fn an_estimate_never_lies_in_the_past() {
        let mut task = waiting_task(Some(Tier::Small));
        task.phase = Phase::Executing;
        task.admitted_at = Some(now());
        let late = now() + TimeDelta::seconds(30);
        assert_eq!(measured().completion(&task, late), Some(late + TimeDelta::seconds(1)));
        task.phase = Phase::Done;
        assert_eq!(measured().completion(&task, late), None);
    }
}

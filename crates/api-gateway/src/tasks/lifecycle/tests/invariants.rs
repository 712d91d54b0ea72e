//! Random lives: whatever happens in whatever order, the promises hold.

use proptest::prelude::*;
use protocol::vocabulary::{Phase, TaskStatus};

use super::fixtures::{Driver, agent_submission, one_of_each, submission};
use crate::tasks::lifecycle::Input;

/// How far into an attempt a phase is.
fn progress_of(phase: Phase) -> u8 {
    match phase {
        // Whoever waits for a slot may have to wait for something else again.
        Phase::Blocked | Phase::Submitted => 1,
        Phase::Routing => 2,
        Phase::Ready => 3,
        Phase::Executing => 4,
        Phase::Validating => 5,
        Phase::InReview | Phase::Decomposed => 6,
        Phase::Done => 7,
    }
}

fn about_attempt(input: Input, attempt: u32) -> Input {
    match input {
        Input::Ready(mut ready) => {
            ready.attempt = attempt;
            Input::Ready(ready)
        }
        Input::Output(mut output) => {
            output.attempt = Some(attempt);
            Input::Output(output)
        }
        Input::Failed(mut failed) => {
            failed.attempt = Some(attempt);
            Input::Failed(failed)
        }
        Input::Started { hand_over, worker_id, message, .. } => {
            Input::Started { attempt: Some(attempt), hand_over, worker_id, message }
        }
        Input::Validated { .. } => Input::Validated { attempt: Some(attempt) },
        Input::Rejected { reason, issues, retryable, .. } => {
            Input::Rejected { attempt: Some(attempt), reason, issues, retryable }
        }
        Input::Dispatched { .. } => Input::Dispatched { attempt },
        Input::RoutingFailed { failure, .. } => Input::RoutingFailed { attempt, failure },
        Input::Withheld { tier, .. } => Input::Withheld { attempt, tier },
        other => other,
    }
}

fn check_state(driver: &Driver) {
    let task = &driver.task;
    assert_eq!(task.phase == Phase::Done, task.status.is_terminal());
    assert_eq!(task.completed_at.is_some(), task.status.is_terminal());
    assert_eq!(task.error.is_some(), task.status == TaskStatus::Failed);
    let may_rest = task.phase == Phase::Done || task.awaits_slot();
    assert!(may_rest || task.wake_at.is_some(), "{} without a timer", task.phase);
    assert!(
        !task.awaits_slot() || task.wake_at.is_none(),
        "a task that awaits a slot has no timer to wait for"
    );
}

proptest! {
    #[test]
    fn promises_hold_in_every_life(
        for_agent in any::<bool>(),
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0u32..4, any::<bool>()), 1..80),
    ) {
        let inputs = one_of_each();
        let mut driver = Driver::new(if for_agent { agent_submission() } else { submission() });
        for (index, attempt, let_time_pass) in steps {
            if let_time_pass && let Some(due) = driver.task.wake_at {
                driver.now = driver.now.max(due);
            }
            let (_, input) = &inputs[index.index(inputs.len())];
            let input = about_attempt(input.clone(), if attempt == 0 { driver.task.attempt } else { attempt });
            let before = driver.task.clone();
            let outcome = driver.give(&input);
            check_state(&driver);
            let after = &driver.task;
            match outcome {
                Err(_) => prop_assert_eq!(after, &before),
                Ok(_) => {
                    prop_assert_eq!(after.sequence, before.sequence + 1);
                    prop_assert!(after.attempt == before.attempt || after.attempt == before.attempt + 1);
                    if after.attempt == before.attempt {
                        prop_assert!(progress_of(after.phase) >= progress_of(before.phase), "{} -> {}", before.phase, after.phase);
                    }
                    if before.status.is_terminal() {
                        let asked_for = matches!(input, Input::Retry | Input::Reopen { .. });
                        let only_adds = matches!(input, Input::Ready(_)) && after.status == before.status;
                        prop_assert!(asked_for || only_adds);
                    }
                }
            }
        }
    }

    #[test]
    fn every_task_ends_once_its_timers_run(steps in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let inputs = one_of_each();
        let mut driver = Driver::new(submission());
        for index in steps {
            let (_, input) = &inputs[index.index(inputs.len())];
            let _ = driver.give(input);
        }
        // Nothing arrives any more but slots and timers.
        for _ in 0..100 {
            if driver.task.phase == Phase::Done {
                break;
            }
            if driver.task.awaits_slot() {
                driver.must(super::fixtures::admitted());
            } else {
                driver.ring();
            }
        }
        prop_assert!(driver.task.status.is_terminal());
    }
}

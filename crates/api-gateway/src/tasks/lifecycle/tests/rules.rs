//! The rules of the life cycle, one sentence each.

use chrono::TimeDelta;
use protocol::events::{FeedbackSource, TaskOptions};
use protocol::vocabulary::{Phase, QaProfile, ReviewDecision, TaskStatus, Tier};
use protocol::{RequestId, TraceId};
use uuid::Uuid;

use super::fixtures::*;
use crate::tasks::lifecycle::{Effect, HandOver, Ignored, Input, SubtaskFailure};
use crate::tasks::task::{Submission, WaitingReason};

#[test]
fn the_plain_life_ends_completed_with_what_the_worker_told() {
    let mut driver = Driver::new(submission());
    assert_eq!(driver.must(admitted()), [Effect::RequestRouting]);
    assert_eq!(driver.task.request_id, submission().request_id, "the first attempt keeps its request id");
    driver.must(ready(1));
    driver.must(started(Some(1)));
    driver.must(output(Some(1)));
    driver.must(validated(Some(1)));
    let task = &driver.task;
    assert_eq!((task.status, task.phase), (TaskStatus::Completed, Phase::Done));
    assert_eq!(task.work.artifacts.len(), 1);
    assert_eq!((task.wake_at, task.deadline_at), (None, None));
    assert_eq!(task.sequence, 6);
}

#[test]
fn a_rejection_starts_the_next_attempt_after_a_backoff_with_the_reasons() {
    let mut driver = in_phase(Phase::Validating, false);
    driver.must(rejected(Some(1)));
    let task = &driver.task;
    assert_eq!((task.status, task.phase, task.attempt), (TaskStatus::Pending, Phase::Submitted, 2));
    assert_eq!(task.waiting.as_ref().unwrap().reason, WaitingReason::Backoff);
    let delay = task.wake_at.unwrap() - driver.now;
    assert!(delay >= TimeDelta::milliseconds(800) && delay <= TimeDelta::milliseconds(1200), "{delay}");
    assert_eq!(task.feedback[0].source, FeedbackSource::Qa);
    assert_eq!(task.errors[0].code, "REJECTED");
    assert!(task.work.artifacts.is_empty());
    assert!(driver.give(&admitted()).is_err(), "not before the backoff is over");
    driver.ring();
    driver.must(admitted());
    assert_eq!(driver.task.request_id, RequestId(Uuid::from_u128(77)), "a new attempt is a new hand-over");
}

#[test]
fn backoff_doubles_up_to_its_cap() {
    let mut driver = Driver::new(submission());
    driver.rules.retry_delay.jitter = 0.0;
    let seconds: Vec<_> = (1..=8)
        .map(|attempt| (driver.rules.retry_at(task_id(), attempt, driver.now) - driver.now).num_seconds())
        .collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn being_withheld_from_a_paused_tier_uses_up_no_attempt_and_the_tier_is_known_then() {
    let withheld = |attempt| Input::Withheld { attempt, tier: Tier::Large };
    let mut driver = in_phase(Phase::Routing, false);
    driver.must(withheld(1));
    let task = &driver.task;
    assert_eq!((task.phase, task.attempt, task.max_attempts), (Phase::Submitted, 2, 4));
    assert_eq!((task.known_tier(), task.minimum_tier.as_ref()), (Some(&Tier::Large), None));
    assert!(task.awaits_slot() && task.errors.is_empty() && task.feedback.is_empty());
    assert_eq!(driver.give(&withheld(1)), Err(Ignored::OtherAttempt { told: 1, current: 2 }));

    // What is known of an escalated task is its lowest tier: that must not hide where it would go.
    driver.task.minimum_tier = Some(Tier::Small);
    driver.must(admitted());
    driver.must(withheld(2));
    assert_eq!(driver.task.known_tier(), Some(&Tier::Large));
}

#[test]
fn attempts_end_at_their_maximum() {
    let mut driver = Driver::new(submission());
    for _ in 0..3 {
        driver.reach_validating();
        driver.must(rejected(None));
    }
    assert_eq!(driver.task.status, TaskStatus::Failed);
    assert_eq!(driver.task.errors.len(), 3);
    assert_eq!(driver.task.error.as_ref().unwrap().code, "REJECTED");
}

#[test]
fn a_failure_that_is_not_retryable_ends_the_task() {
    let mut driver = in_phase(Phase::Executing, false);
    driver.must(failed(None, false));
    assert_eq!((driver.task.status, driver.task.attempt), (TaskStatus::Failed, 1));
}

#[test]
fn late_results_of_an_earlier_attempt_are_fenced_off() {
    let mut driver = in_phase(Phase::Validating, false);
    driver.must(rejected(Some(1)));
    driver.reach_executing();
    let told = Err(Ignored::OtherAttempt { told: 1, current: 2 });
    assert_eq!(driver.give(&output(Some(1))), told);
    assert_eq!(driver.give(&validated(Some(1))), told);
    assert_eq!(driver.give(&failed(Some(1), false)), told);
}

#[test]
fn a_verdict_that_overtakes_its_output_is_worth_keeping() {
    let mut driver = in_phase(Phase::Executing, false);
    assert!(driver.give(&validated(Some(1))).unwrap_err().is_early());
    assert!(driver.give(&review_requested()).unwrap_err().is_early());
    let mut done = in_phase(Phase::Done, false);
    assert!(!done.give(&validated(Some(1))).unwrap_err().is_early());
}

#[test]
fn events_of_a_quick_worker_may_overtake_the_routing_decision() {
    let mut driver = in_phase(Phase::Routing, false);
    driver.must(started(Some(1)));
    driver.must(output(Some(1)));
    driver.must(ready(1));
    assert_eq!(driver.task.phase, Phase::Validating);
    assert_eq!(driver.task.tier, Some(Tier::Small));
    driver.must(validated(Some(1)));
    assert_eq!(driver.task.status, TaskStatus::Completed);
}

#[test]
fn a_routing_decision_that_everything_overtook_still_tells_where_the_task_went() {
    let mut driver = in_phase(Phase::Routing, false);
    driver.must(output(Some(1)));
    driver.must(validated(Some(1)));
    driver.must(ready(1));
    assert_eq!((driver.task.status, &driver.task.tier), (TaskStatus::Completed, &Some(Tier::Small)));
    assert!(driver.give(&ready(1)).is_err(), "once");
}

#[test]
fn without_qa_the_output_is_the_verdict_in_either_order() {
    let none = || ready_with(1, Tier::Small, QaProfile::None);
    let mut usual = in_phase(Phase::Routing, false);
    usual.must(none());
    usual.must(output(Some(1)));
    let mut overtaken = in_phase(Phase::Routing, false);
    overtaken.must(output(Some(1)));
    overtaken.must(none());
    assert_eq!((usual.task.status, overtaken.task.status), (TaskStatus::Completed, TaskStatus::Completed));
}

#[test]
fn two_rejections_at_a_tier_raise_the_next_attempt_by_one() {
    let mut driver = Driver::new(submission());
    for _ in 0..2 {
        driver.reach_validating();
        driver.must(rejected(None));
    }
    assert_eq!(driver.task.minimum_tier, Some(Tier::Large));
    assert_eq!(driver.task.rejections_at_tier, 0);

    let mut driver = Driver::new(submission());
    driver.reach_validating();
    driver.must(rejected(None));
    driver.reach_validating();
    driver.must(review_requested());
    driver.must(reviewed(ReviewDecision::Rejected));
    assert_eq!(driver.task.minimum_tier, Some(Tier::Large), "a person's counts as much as QA's");
}

#[test]
fn a_pinned_tier_is_never_escalated_and_neither_is_one_that_may_not() {
    let pinned = TaskOptions { tier: Some(Tier::Small), ..TaskOptions::default() };
    let forbidden = TaskOptions { escalate_tier: false, ..TaskOptions::default() };
    for options in [pinned, forbidden] {
        let mut submission = submission();
        submission.options = options;
        let mut driver = Driver::new(submission);
        for _ in 0..2 {
            driver.reach_validating();
            driver.must(rejected(None));
        }
        assert_eq!(driver.task.minimum_tier, None);
    }
}

#[test]
fn the_deadline_runs_from_admission_and_past_it_the_attempt_fails() {
    let mut driver = in_phase(Phase::Executing, false);
    assert_eq!(driver.task.wake_at, driver.task.deadline_at);
    driver.ring();
    assert_eq!((driver.task.attempt, driver.task.phase), (2, Phase::Submitted));
    assert_eq!(driver.task.errors[0].code, "TIMEOUT");
    assert_eq!(driver.task.feedback[0].source, FeedbackSource::Timeout);
}

#[test]
fn a_timer_that_was_set_again_does_nothing() {
    let mut driver = in_phase(Phase::Executing, false);
    assert_eq!(driver.give(&Input::TimerDue), Err(Ignored::NotDue));
}

#[test]
fn a_task_never_released_is_cancelled_without_telling_anybody() {
    let mut waiting = in_phase(Phase::Submitted, false);
    assert_eq!(waiting.must(Input::Cancel { reason: String::new() }), []);
    let mut running = in_phase(Phase::Executing, false);
    assert_eq!(running.must(Input::Cancel { reason: String::new() }), [Effect::AnnounceCancelled]);
    assert_eq!(running.give(&validated(None)), Err(Ignored::AlreadyEnded(TaskStatus::Cancelled)));
}

#[test]
fn an_explicit_retry_adds_one_attempt_beyond_the_maximum() {
    let mut driver = Driver::new(submission());
    for _ in 0..3 {
        driver.reach_validating();
        driver.must(rejected(None));
    }
    driver.must(Input::Retry);
    assert_eq!((driver.task.attempt, driver.task.max_attempts), (4, 4));
    assert!(driver.task.awaits_slot());
    assert_eq!(driver.task.error, None);
    driver.reach_validating();
    driver.must(rejected(None));
    assert_eq!(driver.task.status, TaskStatus::Failed);

    let mut driver = in_phase(Phase::Executing, false);
    driver.must(Input::Cancel { reason: String::new() });
    driver.must(Input::Retry);
    assert_eq!((driver.task.attempt, driver.task.max_attempts), (2, 4), "also where some are left");
}

#[test]
fn a_review_stops_the_deadline_and_its_answer_is_the_verdict() {
    let mut driver = in_phase(Phase::InReview, false);
    assert_eq!(driver.task.deadline_at, None);
    assert!(!driver.task.holds_slot());
    driver.must(reviewed(ReviewDecision::Approved));
    assert_eq!(driver.task.status, TaskStatus::Completed);
}

#[test]
fn requested_changes_go_beyond_the_maximum_up_to_three_attempts() {
    let mut driver = Driver::new(submission());
    for expected in [2, 3, 4, 5, 6] {
        driver.reach_validating();
        driver.must(review_requested());
        driver.must(reviewed(ReviewDecision::ChangesRequested));
        assert_eq!((driver.task.attempt, driver.task.phase), (expected, Phase::Submitted));
    }
    driver.reach_validating();
    driver.must(review_requested());
    driver.must(reviewed(ReviewDecision::ChangesRequested));
    assert_eq!(driver.task.status, TaskStatus::Failed);
}

#[test]
fn an_agents_result_is_final_and_one_for_an_earlier_hand_over_is_ignored() {
    let mut driver = in_phase(Phase::Executing, true);
    let other = Some(RequestId(Uuid::from_u128(555)));
    assert_eq!(driver.give(&agent_completed(other)), Err(Ignored::OtherRequest));
    driver.must(agent_completed(Some(submission().request_id)));
    assert_eq!(driver.task.status, TaskStatus::Completed);
    assert_eq!(driver.task.work.output.as_deref(), Some("Echo: hello"));
}

#[test]
fn signs_of_work_on_an_earlier_hand_over_are_ignored_unless_their_ids_are_made_up() {
    let mut driver = Driver::new(agent_submission());
    driver.reach_executing();
    driver.must(Input::AgentLost { agent_id: WORKER.to_owned() });
    driver.reach_executing();
    let (first, second) = (submission().request_id, driver.task.request_id);
    let (ours, made_up) = (submission().trace_id, TraceId(Uuid::from_u128(556)));
    let told = |request_id, trace_id| Some(HandOver { request_id, trace_id });
    for hand_over in [told(first, ours), told(RequestId(Uuid::from_u128(557)), ours)] {
        let (worker_id, message) = (Some("late-agent".to_owned()), Some("step 9".to_owned()));
        let began = Input::Started { attempt: None, hand_over, worker_id: worker_id.clone(), message: None };
        assert_eq!(driver.give(&began), Err(Ignored::OtherRequest));
        let goes_on = Input::Progress { attempt: None, hand_over, worker_id, percent: Some(90.0), message };
        assert_eq!(driver.give(&goes_on), Err(Ignored::OtherRequest));
    }
    assert_eq!((driver.task.work.worker_id.as_deref(), driver.task.work.percent), (Some(WORKER), None));
    for (hand_over, percent) in [(None, 10.0), (told(second, ours), 20.0), (told(first, made_up), 30.0)] {
        let percent = Some(percent);
        driver.must(Input::Progress { attempt: None, hand_over, worker_id: None, percent, message: None });
        assert_eq!(driver.task.work.percent, percent);
    }
}

#[test]
fn an_agents_failure_is_final_unless_several_attempts_were_asked_for() {
    let mut plain = in_phase(Phase::Executing, true);
    plain.must(agent_failed());
    assert_eq!((plain.task.status, plain.task.attempt), (TaskStatus::Failed, 1));
    assert_eq!(plain.task.work.output.as_deref(), Some("no such playbook"));
    assert!(!plain.task.error.as_ref().unwrap().retryable);
    for (asked, attempts) in [(1, 1), (2, 2)] {
        let options = TaskOptions { max_attempts: Some(asked), ..TaskOptions::default() };
        let mut driver = Driver::new(Submission { options, ..agent_submission() });
        for _ in 0..attempts {
            driver.reach_executing();
            driver.must(agent_failed());
        }
        assert_eq!((driver.task.status, driver.task.attempt), (TaskStatus::Failed, attempts));
    }
}

#[test]
fn lost_agents_deadlines_and_broken_messages_lead_to_another_attempt_with_a_request_id_of_its_own() {
    let mut driver = Driver::new(agent_submission());
    driver.reach_executing();
    driver.must(Input::AgentLost { agent_id: WORKER.to_owned() });
    assert_eq!((driver.task.attempt, driver.task.errors[0].code.as_str()), (2, "AGENT_LOST"));
    driver.reach_executing();
    assert_ne!(driver.task.request_id, submission().request_id);
    assert_eq!(driver.give(&agent_completed(Some(submission().request_id))), Err(Ignored::OtherRequest));
    driver.must(failed(None, true));
    driver.reach_executing();
    driver.ring();
    let codes: Vec<_> = driver.task.errors.iter().map(|error| error.code.as_str()).collect();
    assert_eq!(codes, ["AGENT_LOST", "MODEL_CRASHED", "TIMEOUT"]);
    assert_eq!(driver.task.status, TaskStatus::Failed);
}

#[test]
fn a_split_task_completes_with_its_last_subtask() {
    let mut driver = in_phase(Phase::Decomposed, false);
    driver.must(subtasks_counted(1, 0));
    assert_eq!(driver.task.phase, Phase::Decomposed);
    let stale = driver.give(&subtasks_counted(1, 0));
    assert_eq!(stale, Err(Ignored::AlreadyKnown));
    driver.must(subtasks_counted(2, 0));
    assert_eq!(driver.task.status, TaskStatus::Completed);
}

#[test]
fn a_failed_subtask_fails_the_split_task_at_once_or_at_the_end_as_settings_say() {
    let mut fast = in_phase(Phase::Decomposed, false);
    fast.must(subtasks_counted(0, 1));
    assert_eq!(fast.task.error.as_ref().unwrap().code, "SUBTASKS_FAILED");
    let mut patient = in_phase(Phase::Decomposed, false);
    patient.rules.subtask_failure = SubtaskFailure::FinishOthers;
    patient.must(subtasks_counted(0, 1));
    assert_eq!(patient.task.phase, Phase::Decomposed);
    patient.must(subtasks_counted(1, 1));
    assert_eq!(patient.task.status, TaskStatus::Failed);
}

#[test]
fn whoever_begins_again_is_the_new_worker_unless_nobody_is_named() {
    let mut driver = in_phase(Phase::Executing, true);
    let begins = |worker: Option<&str>| Input::Started {
        attempt: None,
        hand_over: None,
        worker_id: worker.map(ToOwned::to_owned),
        message: None,
    };
    assert_eq!(driver.give(&begins(None)), Err(Ignored::AlreadyKnown));
    assert_eq!(driver.task.work.worker_id.as_deref(), Some(WORKER));
    driver.must(begins(Some("worker-2")));
    assert_eq!(driver.task.work.worker_id.as_deref(), Some("worker-2"));
}

#[test]
fn progress_never_goes_down() {
    let mut driver = in_phase(Phase::Ready, false);
    for (told, shown) in [(40.0, 40.0), (20.0, 40.0), (250.0, 100.0)] {
        driver.must(progress(None, Some(told)));
        assert_eq!(driver.task.work.percent, Some(shown));
    }
}

//! The order and repetition of facts never matter, and every member of a record comes from where it should.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use protocol::events::{Artifact, Input, JsonObject};
use protocol::vocabulary::Relationship;
use protocol::{EventId, RequestId, TaskId, Timestamp};
use uuid::Uuid;

use super::*;

fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap().into()
}

fn event_id(number: u64) -> EventId {
    EventId(Uuid::from_u64_pair(7, number))
}

fn unknown() -> Attempt {
    Attempt::unknown(AttemptKey { task_id: TaskId(Uuid::from_u128(1)), attempt: 2 })
}

fn report(kind: ReportKind, second: i64, id: u64) -> Report {
    Report {
        key: ReportKey { kind, at: at(second), event_id: event_id(id) },
        project_id: None,
        tier: None,
        domain: None,
        model_used: None,
        worker_id: Some(format!("worker-{id}")),
        tokens_input: Some(id),
        tokens_output: None,
        execution_time_ms: None,
        confidence: None,
        execution: JsonObject::new(),
        started_at: None,
    }
}

fn artifact(id: &str, checksum: Option<&str>) -> Artifact {
    Artifact {
        artifact_id: id.parse().unwrap(),
        artifact_type: "code".to_owned(),
        path: None,
        language: None,
        checksum: checksum.map(str::to_owned),
        size_bytes: None,
    }
}

fn announcement(sequence: u64, tier: Option<&str>) -> Announcement {
    Announcement {
        announced: Announced {
            sequence,
            project_id: "told-by-gateway".parse().unwrap(),
            tier: tier.map(Into::into),
            domain: None,
        },
        executing_since: None,
        request_id: None,
        acceptance: None,
    }
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    let source = select(vec![VerdictSource::Acceptance, VerdictSource::Qa, VerdictSource::Review]);
    let outcome = select(vec![Outcome::Passed, Outcome::Failed, Outcome::HumanApproved]);
    // Ids from a wide range: the same id twice would be the same event, with the same outcome.
    (source, outcome, 0..5_i64, any::<u64>()).prop_map(|(source, outcome, second, id)| Verdict {
        source,
        outcome,
        at: at(second),
        event_id: event_id(id),
        artifact_id: None,
        score: None,
        issues: Vec::new(),
        reason: Some(format!("verdict {id} {outcome:?}")),
        verified_by: None,
    })
}

fn any_report() -> impl Strategy<Value = Fact> {
    let ids = || select(vec!["a", "b", "c"]);
    let checksum = || prop::option::of(select(vec!["x", "y"]));
    let relationship = select(vec![Relationship::Consumed, Relationship::Referenced]);
    let outputs = prop::collection::vec((ids(), checksum()), 0..3);
    let inputs = prop::collection::vec((ids(), checksum(), relationship), 0..3);
    let kind = select(vec![ReportKind::Output, ReportKind::Result]);
    let start = prop::option::of(0..5_i64);
    // An event's id decides everything else about it: the same id twice is the same event.
    (kind, 0..5_i64, start, outputs, inputs, any::<u64>()).prop_map(
        |(kind, second, start, outputs, inputs, id)| {
            let report = Report { started_at: start.map(at), ..report(kind, second, id) };
            let outputs = outputs.into_iter().map(|(id, checksum)| artifact(id, checksum)).collect();
            let inputs = inputs.into_iter().map(|(id, checksum, relationship)| Input {
                artifact_id: id.parse().unwrap(),
                relationship,
                checksum: checksum.map(str::to_owned),
            });
            Fact::Reported(Box::new(Reported::new(report, outputs, inputs.collect())))
        },
    )
}

fn any_announcement() -> impl Strategy<Value = Fact> {
    let tier = prop::option::of(select(vec!["tiny", "small"]));
    let request = prop::option::of(0..3_u128);
    (0..9_u64, tier, prop::option::of(0..9_i64), request, prop::option::of(any_verdict())).prop_map(
        |(sequence, tier, executing_since, request, acceptance)| {
            Fact::Announced(Announcement {
                executing_since: executing_since.map(at),
                request_id: request.map(|id| RequestId(Uuid::from_u128(id))),
                acceptance,
                ..announcement(sequence, tier)
            })
        },
    )
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![any_report(), any_announcement(), any_verdict().prop_map(Fact::Judged)]
}

fn absorb_all(facts: impl IntoIterator<Item = Fact>) -> Attempt {
    let mut attempt = unknown();
    for fact in facts {
        attempt.absorb(fact);
    }
    attempt
}

proptest! {
    #[test]
    fn any_order_and_repetition_of_facts_gives_the_same_record(
        (facts, shuffled) in prop::collection::vec(any_fact(), 1..8)
            .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
        repeated in prop::collection::vec(any::<Index>(), 0..4),
    ) {
        let expected = absorb_all(facts.clone());
        let mut arrival = shuffled;
        for index in repeated {
            let again = index.get(&facts).clone();
            let place = index.index(arrival.len() + 1);
            arrival.insert(place, again);
        }
        let attempt = absorb_all(arrival);
        prop_assert_eq!(&attempt, &expected);
        if let (Some(record), Some(other)) = (&attempt.record, &expected.record) {
            let [one, two] = [record, other].map(|it| digest::content_digest(attempt.key, &it.reported).unwrap());
            prop_assert_eq!(one, two);
        }
    }
}

#[test]
fn an_output_outranks_a_result_and_the_first_of_two_outputs_counts() {
    let reported =
        |kind, second, id| Fact::Reported(Box::new(Reported::new(report(kind, second, id), vec![], vec![])));
    let attempt = absorb_all([
        reported(ReportKind::Result, 1, 1),
        reported(ReportKind::Output, 9, 2),
        reported(ReportKind::Output, 5, 3),
    ]);
    assert_eq!(attempt.record.unwrap().reported.report.worker_id.as_deref(), Some("worker-3"));
}

#[test]
fn outputs_of_an_attempt_are_merged_by_artifact_and_the_first_description_counts() {
    let reported = |second, id, artifacts| {
        Fact::Reported(Box::new(Reported::new(report(ReportKind::Output, second, id), artifacts, vec![])))
    };
    let attempt = absorb_all([
        reported(9, 1, vec![artifact("a", Some("late")), artifact("b", None)]),
        reported(5, 2, vec![artifact("a", Some("early"))]),
    ]);
    let outputs = attempt.record.unwrap().reported.outputs;
    let seen: Vec<_> =
        outputs.values().map(|made| (made.artifact.artifact_id.as_str(), made.produced_at)).collect();
    assert_eq!(seen, [("a", at(5)), ("b", at(9))]);
    assert_eq!(outputs.values().next().unwrap().artifact.checksum.as_deref(), Some("early"));
}

#[test]
fn what_the_worker_left_out_is_filled_in_from_the_gateway_s_latest_word() {
    let mut attempt = unknown();
    let told = Report { tier: Some("large".into()), ..report(ReportKind::Output, 10, 1) };
    attempt.absorb(Fact::Reported(Box::new(Reported::new(told, vec![], vec![]))));
    attempt.absorb(Fact::Announced(announcement(4, Some("small"))));
    attempt.absorb(Fact::Announced(Announcement {
        executing_since: Some(at(7)),
        ..announcement(3, Some("tiny"))
    }));
    let shown = Projection::of(&attempt.record.unwrap().reported.report, &attempt.facts);
    assert_eq!(shown.project_id.unwrap().as_str(), "told-by-gateway");
    assert_eq!(shown.tier.unwrap().as_str(), "large", "the worker's own word counts");
    assert_eq!(shown.started_at, Some(at(7)));
    assert_eq!(shown.execution_time_ms, Some(3_000));
    assert_eq!(shown.domain, None);
    assert_eq!(shown.filled_in, [FilledIn::StartedAt, FilledIn::ProjectId, FilledIn::ExecutionTimeMs]);
}

#[test]
fn a_start_after_the_report_is_another_clock_s_and_not_taken() {
    let mut attempt = unknown();
    attempt.absorb(Fact::Reported(Box::new(Reported::new(report(ReportKind::Output, 5, 1), vec![], vec![]))));
    attempt.absorb(Fact::Announced(Announcement { executing_since: Some(at(6)), ..announcement(1, None) }));
    let shown = Projection::of(&attempt.record.unwrap().reported.report, &attempt.facts);
    assert_eq!((shown.started_at, shown.execution_time_ms), (None, None));
}

#[test]
fn the_digest_covers_what_was_reported_and_nothing_else() {
    let key = unknown().key;
    let reported = |report, artifacts| Reported::new(report, artifacts, vec![]);
    let plain = reported(report(ReportKind::Output, 1, 1), vec![artifact("a", Some("x"))]);
    let digest = digest::content_digest(key, &plain).unwrap();
    assert_eq!(digest, digest::content_digest(key, &plain.clone()).unwrap());
    let other_content = reported(report(ReportKind::Output, 1, 1), vec![artifact("a", Some("y"))]);
    assert_ne!(digest, digest::content_digest(key, &other_content).unwrap());
    let other_attempt = AttemptKey { attempt: 3, ..key };
    assert_ne!(digest, digest::content_digest(other_attempt, &plain).unwrap());
}

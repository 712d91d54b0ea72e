//! Events become records: every member, in any order, once.

mod odd;

use proptest::prelude::Strategy;
use proptest::strategy::{Just, ValueTree};
use proptest::test_runner::TestRunner;
use protocol::vocabulary::VerificationStatus;
use protocol::{Event, ProvenanceId, TaskId};
use provenance_store::queries::{Unanswered, get_project_health, get_records};
use serde_json::json;
use uuid::Uuid;

use crate::events::{at, event, output, output_data, status, status_data, validated};
use crate::fixture::Store;

#[tokio::test]
async fn several_records_are_found_at_once_each_as_if_it_had_been_asked_for_alone() {
    let store = Store::create("provenance_records_at_once").await;
    let [first, second] = [Uuid::now_v7(), Uuid::now_v7()];
    store.apply([event("task.output.created", 1, output_data(first, 1, "a", &[]))]).await;
    store.apply([event("task.output.created", 2, output_data(second, 1, "b", &["a"]))]).await;
    let record = ProvenanceId::of_attempt(TaskId(second), 1).to_string();
    let ids = ["b", "nothing", &first.to_string(), "b\0", &record, "a", "", "b"].map(str::to_owned);
    let found = get_records(&mut *store.connection().await, &ids).await.unwrap();
    let tasks: Vec<Option<Uuid>> = found
        .into_iter()
        .map(|found| match found {
            Ok(record) => Some(record.task_id.as_uuid()),
            Err(Unanswered::NotFound(_)) => None,
            Err(failed) => panic!("{failed}"),
        })
        .collect();
    let (first, second) = (Some(first), Some(second));
    assert_eq!(tasks, [second, None, first, None, second, first, None, second]);
}

#[tokio::test]
async fn a_record_tells_everything_that_was_told_and_is_found_by_each_of_its_ids() {
    let store = Store::create("provenance_record").await;
    let task = Uuid::now_v7();
    let mut data = output_data(task, 1, "main.rs", &["spec.md"]);
    data["started_at"] = json!(at(5));
    let cause = event("task.output.created", 10, data);
    let follow = store
        .apply([cause.clone(), validated(task, 1, 11), status(task, 1, 4, "running", "validating", 9)])
        .await;

    let id = ProvenanceId::of_attempt(TaskId(task), 1);
    let record = store.record(id).await;
    assert_eq!((record.id, record.task_id.as_uuid(), record.attempt), (id, task, 1));
    assert_eq!(record.status, VerificationStatus::Passed);
    assert_eq!(record.project_id.as_ref().unwrap().as_str(), "shop");
    assert_eq!((record.tier.as_deref(), record.domain.as_deref()), (Some("small"), Some("code-general")));
    assert_eq!(
        (record.model_used.as_deref(), record.worker_id.as_deref()),
        (Some("model-1"), Some("worker-1"))
    );
    assert_eq!(
        (record.tokens_input, record.tokens_output, record.execution_time_ms),
        (Some(100), Some(20), Some(1500))
    );
    assert_eq!((record.started_at, record.completed_at), (Some(at(5)), Some(at(10))));
    assert_eq!(record.confidence, Some(0.75));
    assert_eq!(
        serde_json::to_value(&record.outputs).unwrap(),
        json!([{"artifact_id": "main.rs", "type": "code", "path": "src/main.rs", "language": "rust",
                "checksum": "ab12", "size_bytes": 42}])
    );
    assert_eq!(
        serde_json::to_value(&record.inputs_consumed).unwrap(),
        json!([{"artifact_id": "spec.md", "relationship": "consumed"}])
    );
    assert_eq!(record.verification["verified_by"], "/outside");
    assert_eq!(record.verification["score"], 0.9);
    assert!(!record.taint.is_tainted && !record.taint.is_suspect);

    assert_eq!(store.record("main.rs").await, record);
    assert_eq!(store.record(task).await, record);
    assert!(store.has_no_record("spec.md").await, "nobody produced it");
    assert!(store.has_no_record(Uuid::now_v7()).await);

    assert_eq!(follow.len(), 1);
    assert_eq!(follow[0].message.routing_key, "provenance.recorded");
    let told: serde_json::Value = serde_json::from_slice(&follow[0].message.body).unwrap();
    assert_eq!(told["causationid"], json!(cause.id));
    assert_eq!(
        told["data"],
        json!({"provenance_id": id, "task_id": task, "attempt": 1, "artifact_ids": ["main.rs"]})
    );
    assert_eq!(store.lines("SELECT id::text FROM outbox").await, [follow[0].id.to_string()]);
}

/// Everything that ever happens to an attempt, and another worker's output for it.
fn story(task: Uuid) -> Vec<Event> {
    vec![
        status(task, 1, 1, "pending", "routing", 0),
        status(task, 1, 3, "running", "executing", 2),
        event("task.output.created", 10, output_data(task, 1, "a", &["in-1"])),
        event("task.output.created", 12, output_data(task, 1, "b", &["in-2"])),
        event(
            "task.completed",
            13,
            json!({"task_id": task, "attempt": 1, "agent_id": "agent", "exit_code": 0}),
        ),
        event("task.rejected", 14, json!({"task_id": task, "attempt": 1, "issues": ["late"]})),
        validated(task, 1, 13),
        status(task, 1, 5, "completed", "done", 15),
    ]
}

#[tokio::test]
async fn any_order_batching_and_repetition_of_events_gives_the_same_record() {
    let store = Store::create("provenance_any_order").await;
    let mut runner = TestRunner::deterministic();
    let mut expected = None;
    for case in 0..30 {
        let task = Uuid::now_v7();
        let events = story(task);
        let plan = (Just(events).prop_shuffle(), proptest::collection::vec(1..4_usize, 16));
        let (arrival, batches) = plan.new_tree(&mut runner).unwrap().current();
        let mut rest = arrival.as_slice();
        for size in batches {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            store.apply(batch.to_vec()).await;
            // The whole past comes again with every other batch.
            if size % 2 == 0 {
                store.apply(arrival[..arrival.len() - later.len()].to_vec()).await;
            }
            rest = later;
        }
        let mut record = serde_json::to_value(store.record(task).await).unwrap();
        for own in ["id", "task_id", "created_at"] {
            record.as_object_mut().unwrap().remove(own);
        }
        let seen = (record, edges_of(&store, task).await);
        assert_eq!(expected.get_or_insert_with(|| seen.clone()), &seen, "case {case}: {arrival:#?}");
    }
    let (record, edges) = expected.unwrap();
    assert_eq!(record["status"], "passed");
    assert_eq!(record["started_at"], json!(at(2)));
    assert_eq!(edges, ["in-1 -> a", "in-1 -> b", "in-2 -> a", "in-2 -> b"]);
    let counted = store.lines("SELECT project_id || ' ' || records FROM project_counters").await;
    assert_eq!(counted, ["shop 30"]);
}

async fn edges_of(store: &Store, task: Uuid) -> Vec<String> {
    let sql = format!(
        "SELECT used.artifact_id || ' -> ' || made.artifact_id FROM artifact_dependencies edge
         JOIN artifacts used ON used.id = edge.input_id JOIN artifacts made ON made.id = edge.output_id
         JOIN provenance_records record ON record.seq = made.producer_seq
         WHERE record.task_id = '{task}' ORDER BY 1"
    );
    store.lines(&sql).await
}

#[tokio::test]
async fn a_verdict_that_comes_first_waits_for_its_output() {
    let store = Store::create("provenance_early_verdict").await;
    let task = Uuid::now_v7();
    assert!(store.apply([validated(task, 1, 20)]).await.is_empty());
    assert!(store.has_no_record(task).await, "a verdict alone is no record");
    assert_eq!(store.apply([output(task, 1, "a", 10)]).await.len(), 1);
    assert_eq!(store.record(task).await.status, VerificationStatus::Passed);
}

#[tokio::test]
async fn an_event_without_attempt_is_about_the_current_one() {
    let store = Store::create("provenance_current").await;
    let [announced, unannounced, recorded] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    let bare = |task: Uuid, name: &str| {
        let data = json!({"task_id": task, "artifact_id": format!("of-{task}")});
        event(name, 30, data)
    };
    store.apply([status(announced, 3, 9, "running", "executing", 1), output(recorded, 4, "r", 2)]).await;
    store.apply([bare(announced, "task.output.created"), bare(unannounced, "task.output.created")]).await;
    store.apply([bare(announced, "task.validated"), bare(recorded, "task.validated")]).await;
    let seen = |record: protocol::provenance_query::RecordView| (record.attempt, record.status);
    assert_eq!(seen(store.record(announced).await), (3, VerificationStatus::Passed));
    assert_eq!(seen(store.record(unannounced).await), (1, VerificationStatus::Pending));
    assert_eq!(seen(store.record(recorded).await), (4, VerificationStatus::Passed));
}

/// The gateway hands an attempt of work by type over to an agent.
fn handed_over(task: Uuid, attempt: u32, sequence: u64, request: Uuid) -> Event {
    let mut data = status_data(task, attempt, sequence, "running", "executing", 1);
    data["request_id"] = json!(request);
    event("task.status.running", 1, data)
}

/// An agent's result, which names no attempt.
fn result(task: Uuid, agent: &str, request: Uuid, second: i64) -> Event {
    event("task.completed", second, json!({"task_id": task, "agent_id": agent, "request_id": request}))
}

/// What each record of the task says of its attempt, its agent and the hand-over that the agent answered.
async fn agents(store: &Store, task: Uuid) -> Vec<String> {
    let sql = format!(
        "SELECT concat_ws(' ', attempt, worker_id, execution ->> 'request_id') FROM provenance_records
         WHERE task_id = '{task}' ORDER BY attempt"
    );
    store.lines(&sql).await
}

#[tokio::test]
async fn a_late_result_of_an_agent_belongs_to_the_attempt_that_it_answers() {
    let store = Store::create("provenance_late_result").await;
    let [first, second] = [Uuid::new_v4(), Uuid::new_v4()];
    let story = |task: Uuid| {
        vec![
            handed_over(task, 1, 3, first),
            // A later word about the attempt that does not repeat the hand-over.
            status(task, 1, 4, "pending", "submitted", 5),
            handed_over(task, 2, 7, second),
            result(task, "agent-1", first, 10),
            result(task, "agent-2", second, 20),
        ]
    };
    let expected = [format!("1 agent-1 {first}"), format!("2 agent-2 {second}")];

    let apart = Uuid::now_v7();
    for event in story(apart) {
        store.apply([event]).await;
    }
    assert_eq!(agents(&store, apart).await, expected);

    // In one batch the order does not matter.
    let mut runner = TestRunner::deterministic();
    for case in 0..5 {
        let task = Uuid::now_v7();
        let arrival = Just(story(task)).prop_shuffle().new_tree(&mut runner).unwrap().current();
        store.apply(arrival.clone()).await;
        assert_eq!(agents(&store, task).await, expected, "case {case}: {arrival:#?}");
    }
}

#[tokio::test]
async fn a_result_whose_hand_over_nobody_announced_belongs_to_the_current_attempt() {
    let store = Store::create("provenance_unknown_hand_over").await;
    let [task, other] = [Uuid::now_v7(), Uuid::now_v7()];
    let [unknown, another_task_s] = [Uuid::new_v4(), Uuid::new_v4()];
    store
        .apply([
            handed_over(other, 1, 1, another_task_s),
            handed_over(task, 1, 1, Uuid::new_v4()),
            status(task, 2, 5, "running", "executing", 2),
        ])
        .await;
    store.apply([result(task, "agent", unknown, 10)]).await;
    let expected = [format!("2 agent {unknown}")];
    assert_eq!(agents(&store, task).await, expected);
    // A hand-over of another task says nothing about this one.
    store.apply([result(task, "agent-of-another", another_task_s, 20)]).await;
    assert_eq!(agents(&store, task).await, expected);
}

#[tokio::test]
async fn the_current_attempt_changes_within_a_batch() {
    let store = Store::create("provenance_current_batch").await;
    let task = Uuid::now_v7();
    let bare =
        |artifact: &str| event("task.output.created", 30, json!({"task_id": task, "artifact_id": artifact}));
    store
        .apply([
            status(task, 1, 1, "running", "executing", 1),
            bare("first"),
            status(task, 2, 5, "running", "executing", 40),
            bare("second"),
        ])
        .await;
    assert_eq!(store.record("first").await.attempt, 1);
    assert_eq!(store.record("second").await.attempt, 2);
}

#[tokio::test]
async fn a_person_s_verdict_belongs_to_the_attempt_that_was_looked_at() {
    let store = Store::create("provenance_reviewed_attempt").await;
    let reviewed = |task: Uuid, attempt: Option<u32>| {
        let review = json!({"review_id": "r", "task_id": task, "attempt": attempt, "decision": "rejected"});
        event("review.completed", 20, review)
    };
    let statuses = async |task: Uuid| {
        let sql = format!("SELECT status FROM provenance_records WHERE task_id = '{task}' ORDER BY attempt");
        store.lines(&sql).await
    };
    // That the task went on with the next attempt is heard before the answer.
    for (named, expected) in [(Some(1), ["failed", "pending"]), (None, ["pending", "failed"])] {
        let task = Uuid::now_v7();
        store.apply([output(task, 1, "a", 10), status(task, 2, 9, "pending", "submitted", 20)]).await;
        store.apply([reviewed(task, named)]).await;
        store.apply([output(task, 2, "b", 30)]).await;
        assert_eq!(statuses(task).await, expected, "{named:?}");
    }
}

#[tokio::test]
async fn what_an_old_attempt_still_sends_is_kept_as_its_own_record() {
    let store = Store::create("provenance_orphan").await;
    let task = Uuid::now_v7();
    store.apply([output(task, 2, "a", 10)]).await;
    store.apply([output(task, 1, "a", 5), validated(task, 2, 12)]).await;
    assert_eq!(store.record(task).await.attempt, 2, "the newest attempt stands for the task");
    assert_eq!(store.record("a").await.attempt, 2, "the version produced last stands for the artifact");
    let orphan = store.record(ProvenanceId::of_attempt(TaskId(task), 1)).await;
    assert_eq!((orphan.attempt, orphan.status), (1, VerificationStatus::Pending));
}

#[tokio::test]
async fn a_record_without_project_is_counted_when_its_project_becomes_known() {
    let store = Store::create("provenance_late_project").await;
    let task = Uuid::now_v7();
    store.apply([output(task, 1, "a", 10)]).await;
    assert_eq!(store.lines("SELECT project_id FROM project_counters").await, Vec::<String>::new());
    store.apply([status(task, 1, 1, "running", "executing", 2)]).await;
    store.apply([status(task, 1, 2, "running", "validating", 3)]).await;
    let counted = store.lines("SELECT project_id || ' ' || records FROM project_counters").await;
    assert_eq!(counted, ["shop 1"]);
}

#[tokio::test]
async fn a_project_s_health_follows_its_marks() {
    let store = Store::create("provenance_health").await;
    let shop = "shop".parse().unwrap();
    let health = async || {
        let health = get_project_health(&mut *store.connection().await, &shop).await.unwrap();
        serde_json::to_value(health).unwrap()
    };
    let expected = |tainted: u64, suspect: u64, action: &str| json!({"tainted": tainted, "suspect": suspect, "pending_revalidation": suspect, "recommended_action": action});
    assert_eq!(health().await, expected(0, 0, "continue"), "nothing is known of the project yet");
    let task = Uuid::now_v7();
    store.apply([status(task, 1, 1, "running", "executing", 1), output(task, 1, "a", 2)]).await;
    assert_eq!(health().await, expected(0, 0, "continue"));
    let mark = "UPDATE provenance_records SET is_tainted = true, tainted_at = now();
        UPDATE project_counters SET tainted = 1";
    store.database.client().await.batch_execute(mark).await.unwrap();
    assert_eq!(health().await, expected(1, 0, "rollback"));
    assert_eq!(store.record("a").await.status, VerificationStatus::Tainted);
    // Later events leave the mark alone.
    store.apply([validated(task, 1, 3)]).await;
    assert_eq!(store.record("a").await.status, VerificationStatus::Tainted);
    assert_eq!(health().await, expected(1, 0, "rollback"));
}

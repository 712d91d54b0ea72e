//! Marks: whatever the order of taints, clearings and records, what is suspect is what is built on something wrong.

mod model;
mod standings;
mod writers;

use protocol::Event;
use protocol::events::EventData;
use provenance_store::cascade::{self, apply_order};
use provenance_store::marks::{Cause, MarkRules, follow_records};
use provenance_store::policy::Policy;
use provenance_store::records::translation::translate;
use provenance_store::records::{Heard, apply_batch};
use serde_json::json;
use uuid::Uuid;

use crate::events::{at, event, output_data};
use crate::fixture::Store;

/// A record in project `shop` that made `outputs` from `inputs`.
pub(crate) fn made(task: Uuid, second: i64, outputs: &[&str], inputs: &[&str]) -> Event {
    let mut data = output_data(task, 1, outputs[0], inputs);
    data["project_id"] = json!("shop");
    data["output"]["artifacts"] =
        outputs.iter().map(|id| json!({"artifact_id": id, "type": "code"})).collect();
    event("task.output.created", second, data)
}

/// A record of its own task.
pub(crate) fn work(second: i64, output: &str, inputs: &[&str]) -> Event {
    made(Uuid::now_v7(), second, &[output], inputs)
}

pub(crate) fn tainted(second: i64, artifact: &str) -> Event {
    event(
        "artifact.tainted",
        second,
        json!({"artifact_id": artifact, "reason": "wrong", "cascade_id": "c-1"}),
    )
}

pub(crate) fn cleared(second: i64, artifact: &str) -> Event {
    event("artifact.cleared", second, json!({"artifact_id": artifact, "reason": "looked at it"}))
}

/// Artifacts by the mark that their record shows, as `mark artifact`.
async fn marks(store: &Store) -> Vec<String> {
    store
        .lines(
            "SELECT CASE WHEN is_tainted THEN 'tainted ' ELSE 'suspect ' END || artifact_id
             FROM provenance_records record JOIN artifacts ON producer_seq = record.seq
             WHERE is_tainted OR is_suspect ORDER BY 1",
        )
        .await
}

async fn counters(store: &Store) -> Vec<String> {
    store.lines("SELECT concat_ws(' ', records, tainted, suspect) FROM project_counters").await
}

/// Names of the events, and how many artifacts each tells of.
fn told(entries: &[messaging::OutboxEntry]) -> Vec<(String, usize)> {
    let read = |entry: &messaging::OutboxEntry| {
        let document: serde_json::Value = serde_json::from_slice(&entry.message.body).unwrap();
        let ids = document["data"]["artifact_ids"].as_array().map_or(0, Vec::len);
        (entry.message.routing_key.clone(), ids)
    };
    entries.iter().map(read).collect()
}

/// The answer to an order that nothing else follows from.
fn answered() -> (String, usize) {
    ("artifact.standing".to_owned(), 0)
}

async fn diamond(hint: &str) -> Store {
    let store = Store::create(hint).await;
    store
        .apply([
            work(1, "a", &[]),
            work(2, "b", &["a"]),
            work(3, "c", &["a"]),
            work(4, "d", &["b", "c"]),
            work(5, "other", &[]),
        ])
        .await;
    store
}

#[tokio::test]
async fn a_taint_makes_everything_suspect_that_is_built_on_it() {
    let store = diamond("marks_taint").await;
    let taint = tainted(10, "a");
    let follow = store.order(taint.clone()).await;
    assert_eq!(marks(&store).await, ["suspect b", "suspect c", "suspect d", "tainted a"]);
    assert_eq!(counters(&store).await, ["5 1 3"]);
    let names = told(&follow);
    assert_eq!(
        names,
        [
            ("cascade.started".to_owned(), 0),
            ("artifact.suspect".to_owned(), 3),
            ("cascade.completed".to_owned(), 0),
            ("artifact.standing".to_owned(), 0)
        ]
    );
    let account = store
        .lines("SELECT concat_ws(' ', action, artifact_id, cascade_id, depth, source_artifact_id) FROM taint_events ORDER BY id")
        .await;
    assert_eq!(account, ["taint a c-1 0", "suspect b c-1 1 a", "suspect c c-1 1 a", "suspect d c-1 2 a"]);
    let record = store.record("d").await;
    assert_eq!(record.taint.suspect_source.as_deref(), Some("a"));
    assert_eq!(record.taint.cascade_id.as_deref(), Some("c-1"));

    assert_eq!(told(&store.order(taint).await), [answered()], "delivered again");
    assert_eq!(told(&store.order(tainted(11, "a")).await), [answered()], "told again");
    assert_eq!(store.lines("SELECT count(*)::text FROM taint_events").await, ["4"]);
    assert_eq!(counters(&store).await, ["5 1 3"]);
}

#[tokio::test]
async fn what_consumes_something_tainted_or_suspect_is_born_suspect() {
    let store = diamond("marks_born").await;
    store.order(tainted(10, "b")).await;
    let follow =
        store.apply([work(11, "e", &["d"]), work(12, "f", &["b", "other"]), work(13, "g", &["c"])]).await;
    assert_eq!(marks(&store).await, ["suspect d", "suspect e", "suspect f", "tainted b"]);
    assert_eq!(counters(&store).await, ["8 1 3"]);
    assert!(told(&follow).contains(&("artifact.suspect".to_owned(), 2)));
}

#[tokio::test]
async fn clearing_a_suspect_clears_its_branch_where_nothing_else_taints_it() {
    let store = diamond("marks_branch").await;
    store.apply([work(6, "only-b", &["b"])]).await;
    store.order(tainted(10, "a")).await;
    store.order(cleared(11, "b")).await;
    assert_eq!(marks(&store).await, ["suspect c", "suspect d", "tainted a"], "d is built on c as well");
    store.order(cleared(12, "c")).await;
    assert_eq!(marks(&store).await, ["tainted a"]);
    assert_eq!(counters(&store).await, ["6 1 0"]);
    // What is found good stays good, also for those who come later ...
    store.apply([work(20, "late", &["b"]), work(21, "direct", &["a"])]).await;
    assert_eq!(marks(&store).await, ["suspect direct", "tainted a"]);
    // ... until something else is found wrong.
    store.order(tainted(30, "b")).await;
    assert_eq!(
        marks(&store).await,
        ["suspect d", "suspect direct", "suspect late", "suspect only-b", "tainted a", "tainted b"]
    );
}

#[tokio::test]
async fn clearing_what_was_found_wrong_clears_everything_behind_it() {
    let store = diamond("marks_clear").await;
    store.order(tainted(10, "a")).await;
    store.order(tainted(11, "c")).await;
    store.order(cleared(12, "a")).await;
    assert_eq!(marks(&store).await, ["suspect d", "tainted c"]);
    store.order(cleared(13, "c")).await;
    assert_eq!(marks(&store).await, Vec::<String>::new());
    assert_eq!(counters(&store).await, ["5 0 0"]);
    assert!(store.order(cleared(14, "c")).await.is_empty(), "there is nothing left to clear");
}

#[tokio::test]
async fn a_confirmed_suspect_goes_on_in_the_same_cascade() {
    let store = diamond("marks_confirm").await;
    store.order(tainted(10, "a")).await;
    let confirmed = event("artifact.tainted", 11, json!({"artifact_id": "b", "reason": "it is"}));
    store.order(confirmed).await;
    assert_eq!(marks(&store).await, ["suspect c", "suspect d", "tainted a", "tainted b"]);
    let taint = store.record("b").await.taint;
    assert_eq!((taint.is_suspect, taint.cascade_id.as_deref()), (false, Some("c-1")));
    let depth = "SELECT depth::text FROM taint_events WHERE artifact_id = 'd' ORDER BY id DESC LIMIT 1";
    assert_eq!(store.lines(depth).await, ["2"], "counted on from the suspect's own depth");
}

#[tokio::test]
async fn without_propagation_only_what_comes_later_is_suspect() {
    let store = diamond("marks_no_propagation").await;
    let alone =
        event("artifact.tainted", 10, json!({"artifact_id": "a", "reason": "old", "propagate": false}));
    assert_eq!(told(&store.order(alone).await), [answered()]);
    store.apply([work(20, "e", &["a"]), work(21, "f", &["b"])]).await;
    assert_eq!(marks(&store).await, ["suspect e", "tainted a"]);
    store.order(tainted(30, "a")).await;
    assert_eq!(
        marks(&store).await,
        ["suspect b", "suspect c", "suspect d", "suspect e", "suspect f", "tainted a"],
        "it may be told to spread later"
    );
}

#[tokio::test]
async fn an_artifact_may_be_found_wrong_before_its_producer_is_heard_of() {
    let store = Store::create("marks_early").await;
    store.apply([work(5, "b", &["a"])]).await;
    store.order(tainted(10, "a")).await;
    assert_eq!(marks(&store).await, ["suspect b"]);
    let follow = store.apply([work(1, "a", &[])]).await;
    assert_eq!(marks(&store).await, ["suspect b", "tainted a"]);
    assert_eq!(counters(&store).await, ["2 1 1"]);
    let body: serde_json::Value = serde_json::from_slice(&follow[0].message.body).unwrap();
    assert_eq!(body["data"]["is_tainted"], true, "whoever hears of the record hears of its taint");
    assert_eq!(store.record("a").await.taint.tainted_reason.as_deref(), Some("wrong"));
}

#[tokio::test]
async fn a_newer_version_is_not_tainted_with_the_older_one() {
    let store = Store::create("marks_versions").await;
    let first = made(Uuid::from_u128(1), 1, &["a"], &[]);
    store.apply([first, work(2, "b", &["a"])]).await;
    store.order(tainted(10, "a")).await;
    store.apply([work(20, "a", &[])]).await;
    store.apply([work(30, "c", &["a"])]).await;
    assert_eq!(marks(&store).await, ["suspect b", "tainted a"]);
    assert!(!store.record("a").await.taint.is_tainted, "the newest version");
    assert!(store.record("c").await.taint == Default::default());
    // By its record the older version is still reachable.
    let record = protocol::ProvenanceId::of_attempt(Uuid::from_u128(1).into(), 1);
    store.order(event("artifact.cleared", 31, json!({"provenance_id": record}))).await;
    assert_eq!(marks(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn whoever_turns_out_to_have_used_another_version_is_suspect_no_longer() {
    let store = Store::create("marks_moved").await;
    store.apply([work(10, "a", &[]), work(30, "b", &["a"]), work(40, "c", &["b"])]).await;
    store.order(tainted(50, "a")).await;
    assert_eq!(marks(&store).await, ["suspect b", "suspect c", "tainted a"]);
    // A version in between turns up late.
    store.apply([work(20, "a", &[])]).await;
    assert_eq!(marks(&store).await, ["tainted a"]);
    assert_eq!(counters(&store).await, ["4 1 0"]);
}

#[tokio::test]
async fn an_outside_suspicion_spreads_and_is_cleared_like_any() {
    let store = diamond("marks_suspicion").await;
    let doubt =
        event("artifact.suspect", 10, json!({"artifact_ids": ["b"], "cascade_id": "x", "source_id": "q"}));
    store.order(doubt).await;
    assert_eq!(marks(&store).await, ["suspect b", "suspect d"]);
    store.order(cleared(11, "b")).await;
    assert_eq!(marks(&store).await, Vec::<String>::new());
    assert_eq!(counters(&store).await, ["5 0 0"]);
}

#[test]
fn what_names_nothing_is_refused() {
    let nothing = event("artifact.tainted", 1, json!({"reason": "why"}));
    assert!(matches!(nothing.data, EventData::ArtifactTainted(_)));
    assert!(provenance_store::cascade::order(&nothing).unwrap().is_err());
}

/// A limit of waves, and the ways in under it.
struct Limited<'s>(&'s Store, Policy);

impl Limited<'_> {
    async fn apply(&self, events: impl IntoIterator<Item = Event>) {
        let Self(store, policy) = *self;
        let heard =
            events.into_iter().map(|event| Heard { told: translate(&event).unwrap(), event }).collect();
        let mut conn = store.connection().await;
        apply_batch(&mut conn, heard, policy, &store.prices, at(1_000).to_utc()).await.unwrap();
    }

    async fn order(&self, event: Event) {
        let order = cascade::order(&event).unwrap().unwrap();
        let mut conn = self.0.connection().await;
        apply_order(&mut conn, &event, &order, self.1, event.time.to_utc()).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_made_directly_from_something_tainted_is_suspect_whatever_the_limit() {
    for limit in [0, 1, 2] {
        let store = Store::create("marks_limit").await;
        let policy = Policy { marks: MarkRules { max_depth: Some(limit) }, ..Policy::default() };
        let limited = Limited(&store, policy);
        let chain = (0..8).map(|place: i64| {
            let made_from = (place > 0).then(|| format!("{}", place - 1));
            work(place, &place.to_string(), &made_from.iter().map(String::as_str).collect::<Vec<_>>())
        });
        limited.apply(chain).await;
        limited.order(tainted(10, "0")).await;
        // A suspicion comes one step far at least, and a confirmed one is a taint like any.
        let reached = i64::from(limit.max(1));
        let suspects = |from: i64| (from + 1..=reached.max(from + 1)).map(|place| format!("suspect {place}"));
        let mut expected: Vec<String> = suspects(0).collect();
        expected.push("tainted 0".to_owned());
        assert_eq!(marks(&store).await, expected, "limit {limit}");

        let confirmed = json!({"artifact_id": reached.to_string(), "reason": "it is"});
        limited.order(event("artifact.tainted", 11, confirmed)).await;
        let mut expected: Vec<String> = (1..reached).map(|place| format!("suspect {place}")).collect();
        expected.extend(suspects(reached));
        expected.extend(["tainted 0".to_owned(), format!("tainted {reached}")]);
        assert_eq!(marks(&store).await, expected, "limit {limit}");
        let depth = "SELECT depth::text FROM taint_events ORDER BY id DESC LIMIT 1";
        assert_eq!(store.lines(depth).await, [(reached + 1).to_string()], "counted on");

        let late = [work(20, "late", &[&reached.to_string()]), work(21, "later", &["late"])];
        limited.apply(late).await;
        expected.insert(usize::try_from(reached).unwrap(), "suspect late".to_owned());
        assert_eq!(marks(&store).await, expected, "limit {limit}");
        // Worked out anew from everything that is known it is the same.
        let all = store.lines("SELECT seq::text FROM provenance_records").await;
        let all = all.iter().map(|seq| seq.parse().unwrap()).collect();
        let cause = Cause { event: None, reason: "looked again", now: at(30).to_utc() };
        follow_records(&mut *store.connection().await, all, &cause, policy.marks).await.unwrap();
        assert_eq!(marks(&store).await, expected, "limit {limit}");
        assert_eq!(store.lines(depth).await, [(reached + 1).to_string()], "nothing was told again");
    }
}

#[tokio::test]
async fn of_several_artifacts_found_wrong_at_once_the_nearest_counts_within_the_limit() {
    let store = Store::create("marks_limit_several").await;
    let limited = Limited(&store, Policy { marks: MarkRules { max_depth: Some(3) }, ..Policy::default() });
    // far -> 1 -> 2 -> 3 -> end, and near -> step -> 3: the suspect 3 is confirmed together with near.
    let works = [
        work(1, "far", &[]),
        work(2, "1", &["far"]),
        work(3, "2", &["1"]),
        work(4, "3", &["2"]),
        work(5, "near", &[]),
        work(6, "step", &["near"]),
        work(7, "end", &["3", "step"]),
        work(8, "behind", &["end"]),
    ];
    limited.apply(works).await;
    limited.order(tainted(10, "far")).await;
    let both = json!({"artifact_ids": ["3", "near"], "reason": "both", "cascade_id": "c-1"});
    limited.order(event("artifact.tainted", 11, both)).await;
    assert_eq!(
        marks(&store).await,
        [
            "suspect 1",
            "suspect 2",
            "suspect behind",
            "suspect end",
            "suspect step",
            "tainted 3",
            "tainted far",
            "tainted near"
        ]
    );
}

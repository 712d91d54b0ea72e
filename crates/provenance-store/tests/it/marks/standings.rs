//! What is told of how artifacts stand: always the newest version, always answered, always in an order that can be seen.

use messaging::OutboxEntry;
use protocol::events::{ArtifactStanding, EventData};
use protocol::{Event, EventId, Incoming, ProvenanceId};
use provenance_store::policy::Policy;
use provenance_store::queries::{Desk, GraphLimits, clear_marks, get_mark_target};
use serde_json::json;
use uuid::Uuid;

use super::{cleared, made, marks, tainted, told, work};
use crate::events::{at, event};
use crate::fixture::Store;

/// How artifacts stand as these events tell it; none if none of them does.
fn standing(entries: &[OutboxEntry]) -> Option<ArtifactStanding> {
    entries.iter().find_map(|entry| {
        let message = &entry.message;
        let incoming =
            Incoming { routing_key: &message.routing_key, body: &message.body, ..Incoming::default() };
        match Event::decode(incoming, at(0)).unwrap().data {
            EventData::ArtifactStanding(told) => Some(told),
            _ => None,
        }
    })
}

/// The artifacts that these events say to be tainted, and those that they say not to be.
fn sides(entries: &[OutboxEntry]) -> (Vec<String>, Vec<String>) {
    let told = standing(entries).expect("it is told how artifacts stand");
    let names = |ids: Vec<protocol::ArtifactId>| ids.iter().map(ToString::to_string).collect();
    (names(told.tainted), names(told.untainted))
}

fn of(tainted: &[&str], untainted: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    (owned(tainted), owned(untainted))
}

fn desk() -> Desk {
    Desk { policy: Policy::default(), graph: GraphLimits { nodes: 100, depth: 100 }, now: at(1_000).to_utc() }
}

#[tokio::test]
async fn only_the_newest_version_counts_in_whatever_order_versions_come() {
    let store = Store::create("standing_versions").await;
    let nothing = store.apply([work(20, "a", &[])]).await;
    assert_eq!(standing(&nothing), None, "nobody found anything wrong yet");
    let taint = tainted(30, "a");
    let follow = store.order(taint.clone()).await;
    assert_eq!(sides(&follow), of(&["a"], &[]));
    let first = standing(&follow).unwrap();
    assert_eq!(first.answers, [taint.id]);
    // One that is older, and comes late, changes nothing; what others made says nothing.
    assert_eq!(sides(&store.apply([work(10, "a", &[])]).await), of(&["a"], &[]));
    assert_eq!(standing(&store.apply([work(11, "other", &["a"])]).await), None);
    let newer = store.apply([work(40, "a", &[])]).await;
    assert_eq!(sides(&newer), of(&[], &["a"]));
    assert!(standing(&newer).unwrap().moment > first.moment);
    // By its record the older one is cleared, which is nothing new about the artifact.
    let again = store.order(tainted(50, "a")).await;
    assert_eq!(sides(&again), of(&["a"], &[]));
}

#[tokio::test]
async fn an_older_version_is_marked_and_cleared_without_a_word_against_the_newest() {
    let store = Store::create("standing_older").await;
    let old = Uuid::from_u128(7);
    store.apply([made(old, 1, &["a"], &[]), work(2, "a", &[])]).await;
    let record = ProvenanceId::of_attempt(old.into(), 1);
    let by_record =
        |name: &str, second| event(name, second, json!({"provenance_id": record, "reason": "old"}));
    assert_eq!(sides(&store.order(by_record("artifact.tainted", 10)).await), of(&[], &["a"]));
    assert_eq!(sides(&store.order(tainted(11, "a")).await), of(&["a"], &[]));
    assert_eq!(sides(&store.order(by_record("artifact.cleared", 12)).await), of(&["a"], &[]));
}

#[tokio::test]
async fn what_a_tainted_record_made_besides_is_tainted_for_everything_that_comes_later() {
    let store = Store::create("standing_beside").await;
    store.apply([made(Uuid::now_v7(), 1, &["x", "y"], &[]), work(2, "before", &["y"])]).await;
    let follow = store.order(tainted(10, "x")).await;
    assert_eq!(sides(&follow), of(&["x", "y"], &[]));
    assert!(told(&follow).contains(&("artifact.tainted".to_owned(), 1)), "whoever keeps copies hears of y");
    store.apply([work(20, "after", &["y"])]).await;
    assert_eq!(marks(&store).await, ["suspect after", "tainted x", "tainted y"]);
    // Whoever clears one by an event hears of the other.
    let follow = store.order(cleared(30, "x")).await;
    assert_eq!(sides(&follow), of(&[], &["x", "y"]));
    assert!(told(&follow).contains(&("artifact.cleared".to_owned(), 1)), "{:?}", told(&follow));
    assert_eq!(marks(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_record_made_besides_something_found_wrong_before_is_tainted_as_well() {
    let store = Store::create("standing_early").await;
    store.order(tainted(1, "x")).await;
    let task = Uuid::now_v7();
    assert_eq!(sides(&store.apply([made(task, 2, &["x", "y"], &[])]).await), of(&["x", "y"], &[]));
    // The same attempt tells of one more.
    store.apply([made(task, 3, &["x", "y", "z"], &[])]).await;
    store.apply([work(10, "on-y", &["y"]), work(11, "on-z", &["z"])]).await;
    assert_eq!(marks(&store).await, ["suspect on-y", "suspect on-z", "tainted x", "tainted y", "tainted z"]);
}

#[tokio::test]
async fn what_was_good_until_its_record_told_of_something_found_wrong_is_told() {
    let store = Store::create("standing_late").await;
    let task = Uuid::now_v7();
    store.apply([made(task, 1, &["a"], &[])]).await;
    store.order(tainted(2, "b")).await;
    let follow = store.apply([made(task, 3, &["a", "b"], &[])]).await;
    assert_eq!(sides(&follow), of(&["a", "b"], &[]));
    assert_eq!(marks(&store).await, ["tainted a", "tainted b"]);
}

#[tokio::test]
async fn a_clearing_withdraws_what_was_said_before_it_and_has_not_come_yet() {
    let store = Store::create("standing_withdrawn").await;
    store.apply([work(1, "a", &[]), work(2, "b", &["a"])]).await;
    let late = tainted(10, "a");
    let mut follow = Vec::new();
    let mut connection = store.connection().await;
    let clearing =
        clear_marks(&mut connection, "a", "it is good", &[late.id], &desk(), &mut follow).await.unwrap();
    assert!(clearing.cleared, "there was something on its way");
    assert_eq!(standing(&follow).unwrap().answers, [late.id]);
    assert_eq!(standing(&store.order(late.clone()).await).unwrap().answers, [late.id]);
    assert_eq!(marks(&store).await, Vec::<String>::new());
    let unknown: [EventId; 0] = [];
    let nothing = clear_marks(&mut connection, "a", "", &unknown, &desk(), &mut follow).await.unwrap();
    assert!(!nothing.cleared);
    let target = get_mark_target(&mut connection, "a").await.unwrap();
    assert_eq!(target.standing.unwrap().untainted.len(), 1);
}

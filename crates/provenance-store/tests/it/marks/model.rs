//! Random graphs and random orders against a model that floods each wave on its own, from the beginning.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Strategy, prop, prop_oneof};
use proptest::strategy::{Just, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;
use uuid::Uuid;

use super::made;
use crate::events::event;
use crate::fixture::Store;
use crate::integrity::verify_all;

/// Something that happens. Record `n` makes the artifacts `n` and `n'`; what it uses may be its own, a circle's,
/// or nobody's yet.
#[derive(Debug, Clone)]
enum Step {
    Record { number: usize, uses: BTreeSet<usize> },
    Taint { artifact: String, propagate: bool },
    Suspect { artifact: String },
    Clear { artifact: String },
}

const RECORDS: usize = 8;

fn any_artifact() -> impl Strategy<Value = String> {
    (0..RECORDS, proptest::bool::weighted(0.8)).prop_map(|(number, first)| name(number, first))
}

fn name(number: usize, first: bool) -> String {
    if first { format!("{number}") } else { format!("{number}'") }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any_artifact(), proptest::bool::weighted(0.8))
            .prop_map(|(artifact, propagate)| Step::Taint { artifact, propagate }),
        1 => any_artifact().prop_map(|artifact| Step::Suspect { artifact }),
        4 => any_artifact().prop_map(|artifact| Step::Clear { artifact }),
    ]
}

/// Each record once, somewhere among the other steps.
fn any_life() -> impl Strategy<Value = Vec<Step>> {
    let records: Vec<_> = (0..RECORDS)
        .map(|number| {
            prop::collection::btree_set(0..RECORDS, 0..3).prop_map(move |uses| Step::Record { number, uses })
        })
        .collect();
    (records, prop::collection::vec(any_step(), 4..14), Just(()))
        .prop_map(|(records, steps, ())| records.into_iter().chain(steps).collect::<Vec<_>>())
        .prop_shuffle()
}

#[derive(Debug, Clone, Copy)]
struct Root {
    is_taint: bool,
    time: usize,
    after: usize,
}

/// What is known after some steps. Times are the steps' numbers.
#[derive(Default)]
struct Model {
    /// Records in their order, with what they use.
    arrived: Vec<(usize, BTreeSet<usize>)>,
    roots: BTreeMap<String, Root>,
    cleared: BTreeMap<usize, usize>,
    tainted: BTreeSet<usize>,
}

fn maker(artifact: &str) -> usize {
    artifact.trim_end_matches('\'').parse().unwrap()
}

impl Model {
    fn has(&self, number: usize) -> bool {
        self.arrived.iter().any(|(arrived, _)| *arrived == number)
    }

    /// Floods each wave through everything that was not cleared after it.
    fn suspects(&self) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        for (artifact, root) in &self.roots {
            let passes = |number: usize| self.cleared.get(&number).is_none_or(|&time| time < root.time);
            let mut frontier: Vec<usize> = Vec::new();
            // Records use only the first of another's artifacts.
            let number = maker(artifact);
            for (place, (user, uses)) in self.arrived.iter().enumerate() {
                let used = !artifact.ends_with('\'') && uses.contains(&number) && place >= root.after;
                if used || (!root.is_taint && *user == number) {
                    frontier.push(*user);
                }
            }
            let mut seen = BTreeSet::new();
            while let Some(number) = frontier.pop() {
                if passes(number) && seen.insert(number) {
                    let users = self.arrived.iter().filter(|(_, uses)| uses.contains(&number));
                    frontier.extend(users.map(|(user, _)| *user));
                }
            }
            reached.extend(seen);
        }
        reached.difference(&self.tainted).copied().collect()
    }

    fn take(&mut self, time: usize, step: &Step) {
        match step {
            Step::Record { number, uses } => {
                self.arrived.push((*number, uses.clone()));
                let is_root = |first| self.roots.get(&name(*number, first)).is_some_and(|root| root.is_taint);
                if is_root(true) || is_root(false) {
                    self.tainted.insert(*number);
                    self.taint_beside(*number, time);
                }
            }
            Step::Taint { artifact, propagate } => {
                let known = self.roots.get(artifact).filter(|root| root.is_taint);
                if known.is_some_and(|root| root.after == 0 || !propagate) {
                    return;
                }
                let mut after = if *propagate { 0 } else { self.arrived.len() };
                if let Some(earlier) = self.roots.get(artifact) {
                    after = after.min(earlier.after);
                }
                self.roots.insert(artifact.clone(), Root { is_taint: true, time, after });
                if self.has(maker(artifact)) {
                    self.tainted.insert(maker(artifact));
                    self.taint_beside(maker(artifact), time);
                }
            }
            Step::Suspect { artifact } => {
                let number = maker(artifact);
                let marked = self.tainted.contains(&number) || self.suspects().contains(&number);
                if !(self.roots.contains_key(artifact) || self.has(number) && marked) {
                    self.roots.insert(artifact.clone(), Root { is_taint: false, time, after: 0 });
                }
            }
            Step::Clear { artifact } => self.clear(time, artifact),
        }
    }

    /// What else the record made is wrong too, for those who come later.
    fn taint_beside(&mut self, number: usize, time: usize) {
        for artifact in [name(number, true), name(number, false)] {
            let earlier = self.roots.get(&artifact).copied();
            if earlier.is_some_and(|root| root.is_taint) {
                continue;
            }
            let after = earlier.map_or(self.arrived.len(), |root| root.after.min(self.arrived.len()));
            self.roots.insert(artifact, Root { is_taint: true, time, after });
        }
    }

    fn clear(&mut self, time: usize, artifact: &str) {
        let number = maker(artifact);
        if !self.has(number) {
            self.roots.remove(artifact);
            return;
        }
        let was_suspect = self.suspects().contains(&number);
        let roots = [true, false].map(|first| self.roots.remove(&name(number, first)).is_some());
        if roots.contains(&true) || was_suspect || self.tainted.remove(&number) {
            self.tainted.remove(&number);
            self.cleared.insert(number, time);
        }
    }

    fn marks(&self) -> Vec<String> {
        let suspects = self.suspects();
        let marks = self.arrived.iter().filter_map(|(number, _)| {
            let mark = if self.tainted.contains(number) {
                "tainted"
            } else if suspects.contains(number) {
                "suspect"
            } else {
                return None;
            };
            Some(format!("{number} {mark}"))
        });
        marks.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

async fn do_step(store: &Store, world: usize, second: i64, step: &Step) {
    match step {
        Step::Record { number, uses } => {
            let named = |artifact: &str| format!("{world}:{artifact}");
            let outputs = [named(&name(*number, true)), named(&name(*number, false))];
            let uses: Vec<String> = uses.iter().map(|used| named(&used.to_string())).collect();
            let record = made(
                Uuid::now_v7(),
                second,
                &[&outputs[0], &outputs[1]],
                &uses.iter().map(String::as_str).collect::<Vec<_>>(),
            );
            store.apply([record.clone()]).await;
            // Delivered twice, it changes nothing.
            store.apply([record]).await;
        }
        Step::Taint { artifact, propagate } => {
            let data = json!({"artifact_id": format!("{world}:{artifact}"), "propagate": propagate});
            store.order(event("artifact.tainted", second, data)).await;
        }
        Step::Suspect { artifact } => {
            let data = json!({"artifact_id": format!("{world}:{artifact}")});
            store.order(event("artifact.suspect", second, data)).await;
        }
        Step::Clear { artifact } => {
            let data = json!({"artifact_id": format!("{world}:{artifact}")});
            let clear = event("artifact.cleared", second, data);
            store.order(clear.clone()).await;
            assert!(store.order(clear).await.is_empty());
        }
    }
}

#[tokio::test]
async fn what_is_suspect_follows_from_marks_edges_and_clearings_in_any_order() {
    let store = Store::create("marks_model").await;
    let mut runner = TestRunner::deterministic();
    for world in 0..5 {
        let life = any_life().new_tree(&mut runner).unwrap().current();
        let mut model = Model::default();
        for (time, step) in (1..).zip(&life) {
            do_step(&store, world, 100, step).await;
            model.take(time, step);
            let found = store
                .lines(&format!(
                    "SELECT DISTINCT concat_ws(' ', trim(split_part(artifact_id, ':', 2), ''''), status)
                     FROM provenance_records record JOIN artifacts ON producer_seq = record.seq
                     WHERE artifact_id LIKE '{world}:%' AND (is_tainted OR is_suspect) ORDER BY 1"
                ))
                .await;
            assert_eq!(found, model.marks(), "world {world} after step {time} of {life:#?}");
        }
    }
    assert_eq!(verify_all(&store, "shop", 30).await.findings, [], "every mark is accounted for");
    let counted = "SELECT concat_ws(' ', records, tainted, suspect) FROM project_counters";
    let counts = "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE is_tainted),
        count(*) FILTER (WHERE is_suspect)) FROM provenance_records";
    assert_eq!(store.lines(counted).await, store.lines(counts).await);
}

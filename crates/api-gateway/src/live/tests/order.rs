//! What comes out of the sequencer, for any mix of delays, overtaking, repetitions and losses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;
use uuid::Uuid;

use super::update;
use crate::live::sequencer::{PATIENCE, Sequencer};
use crate::live::update::TaskUpdate;
use protocol::TaskId;

/// One step of the simulation; the longest delay is far below the patience.
const STEP: Duration = Duration::from_millis(10);
const LONGEST_DELAY: usize = 8;

/// A change and what becomes of the message about it.
#[derive(Debug, Clone)]
struct Change {
    task: u8,
    delay: usize,
    repeated_after: Option<usize>,
    lost: bool,
}

fn change(may_be_lost: bool) -> impl Strategy<Value = Change> {
    let repeated = prop::option::weighted(0.2, 0..LONGEST_DELAY);
    let lost = if may_be_lost { prop::bool::weighted(0.3).boxed() } else { Just(false).boxed() };
    (0..3u8, 0..LONGEST_DELAY, repeated, lost).prop_map(|(task, delay, repeated_after, lost)| Change {
        task,
        delay,
        repeated_after,
        lost,
    })
}

/// When the database is looked at, and how much later what it said is taken in.
fn looks() -> impl Strategy<Value = Vec<(usize, usize)>> {
    vec((0..60usize, 0..LONGEST_DELAY), 1..6)
}

fn state(task: u8, sequence: u64, follows: Option<u64>) -> Arc<TaskUpdate> {
    Arc::new(TaskUpdate { task_id: TaskId(Uuid::from_u128(task.into())), ..update(sequence, follows) })
}

enum Arrival {
    Heard(Arc<TaskUpdate>),
    Looked(Vec<Arc<TaskUpdate>>),
}

/// Everything that arrives, by time: change number n is committed at time n.
fn arrivals(changes: &[Change], looks: &[(usize, usize)]) -> BTreeMap<(usize, usize), Arrival> {
    let mut arrivals = BTreeMap::new();
    let mut states: BTreeMap<u8, u64> = BTreeMap::new();
    let mut committed: Vec<BTreeMap<u8, u64>> = Vec::new();
    for (time, change) in changes.iter().enumerate() {
        let sequence = states.entry(change.task).or_default();
        let follows = *sequence;
        *sequence += 1;
        let update = state(change.task, *sequence, Some(follows));
        committed.push(states.clone());
        if !change.lost {
            arrivals.insert((time + change.delay, arrivals.len()), Arrival::Heard(Arc::clone(&update)));
            if let Some(delay) = change.repeated_after {
                arrivals.insert((time + delay, arrivals.len()), Arrival::Heard(update));
            }
        }
    }
    let mut looks = looks.to_vec();
    // Whoever watches looks in the end, too.
    looks.push((changes.len() + LONGEST_DELAY, 0));
    looks.sort_unstable();
    for (time, delay) in looks {
        let found = committed.get(time).or(committed.last()).cloned().unwrap_or_default();
        let rows = found.iter().map(|(&task, &sequence)| state(task, sequence, None)).collect();
        arrivals.insert((time + delay, arrivals.len()), Arrival::Looked(rows));
    }
    arrivals
}

type Positions = BTreeMap<TaskId, u64>;
type Told = BTreeMap<TaskId, Vec<u64>>;

/// Runs it to the end. Returns where each task was at the first look and what came out, by task.
fn run(arrivals: BTreeMap<(usize, usize), Arrival>) -> (Positions, Told) {
    let (start, mut sequencer) = (Instant::now(), Sequencer::default());
    let (mut baseline, mut out): (Option<Positions>, Told) = (None, Told::new());
    let mut note = |updates: Vec<Arc<TaskUpdate>>| {
        for update in updates {
            out.entry(update.task_id).or_default().push(update.sequence);
        }
    };
    let mut last = 0;
    for ((time, _), arrival) in arrivals {
        let now = start + STEP * u32::try_from(time).unwrap();
        note(sequencer.expire(now));
        note(match arrival {
            Arrival::Heard(update) => sequencer.heard(update, now),
            Arrival::Looked(rows) => {
                baseline.get_or_insert_with(|| rows.iter().map(|row| (row.task_id, row.sequence)).collect());
                sequencer.looked(&rows, true, now)
            }
        });
        last = time;
    }
    note(sequencer.expire(start + STEP * u32::try_from(last).unwrap() + PATIENCE * 2));
    (baseline.unwrap_or_default(), out)
}

fn final_states(changes: &[Change]) -> Positions {
    let mut states = Positions::new();
    for change in changes {
        *states.entry(TaskId(Uuid::from_u128(change.task.into()))).or_default() += 1;
    }
    states
}

proptest! {
    #[test]
    fn without_losses_every_change_after_the_first_look_comes_out_once_and_in_order(
        changes in vec(change(false), 1..60), looks in looks()
    ) {
        let (baseline, out) = run(arrivals(&changes, &looks));
        for (task, end) in final_states(&changes) {
            let first = baseline.get(&task).copied().unwrap_or_default();
            let expected: Vec<u64> = (first + 1..=end).collect();
            prop_assert_eq!(out.get(&task).cloned().unwrap_or_default(), expected);
        }
    }

    #[test]
    fn with_losses_states_still_rise_and_the_last_one_always_comes_out(
        changes in vec(change(true), 1..60), looks in looks()
    ) {
        let (baseline, out) = run(arrivals(&changes, &looks));
        for (task, end) in final_states(&changes) {
            let mut told = vec![baseline.get(&task).copied().unwrap_or_default()];
            told.extend(out.get(&task).into_iter().flatten());
            prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
            prop_assert_eq!(told.last(), Some(&end));
        }
    }
}

#[test]
fn an_overtaken_change_is_waited_for_but_not_for_ever() {
    let (now, mut sequencer) = (Instant::now(), Sequencer::default());
    assert!(sequencer.looked(&[state(1, 2, None)], true, now).is_empty());
    assert!(sequencer.heard(state(1, 5, Some(4)), now).is_empty());
    assert!(sequencer.is_holding());
    assert!(sequencer.expire(now + PATIENCE / 2).is_empty());
    assert_eq!(sequencer.heard(state(1, 3, Some(2)), now + PATIENCE / 2), [state(1, 3, Some(2))]);
    let late = now + PATIENCE * 2;
    assert_eq!(sequencer.expire(late), [state(1, 5, Some(4))]);
    assert!(sequencer.heard(state(1, 4, Some(3)), late).is_empty(), "4 is superseded");
    assert!(!sequencer.is_holding());
}

#[test]
fn a_task_whose_messages_never_fit_holds_only_so_many() {
    let (now, mut sequencer) = (Instant::now(), Sequencer::default());
    sequencer.looked(&[], true, now);
    let told: usize =
        (0..1000).map(|n| sequencer.heard(state(1, n * 2 + 2, Some(n * 2 + 1)), now).len()).sum();
    assert!(told > 900, "{told}");
}

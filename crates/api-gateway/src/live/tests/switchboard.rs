//! The switchboard by itself: in which order things are asked for, and who is cut off.

use std::sync::Arc;

use protocol::{ProjectId, TaskId, TraceId};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use super::update;
use crate::live::store::TraceTasks;
use crate::live::subscription::{Ending, Leave, Subscription};
use crate::live::switchboard::{Newcomer, Switchboard};
use crate::live::update::TaskUpdate;
use crate::live::watch::Watch;

const TRACE: TraceId = TraceId(Uuid::from_u128(34));
const QUEUE: usize = 4;

struct Watcher {
    subscription: Subscription,
    began: oneshot::Receiver<TraceTasks>,
    to_be_listened_to: bool,
}

impl Watcher {
    fn join(board: &mut Switchboard, id: u64) -> Self {
        Self::join_for(board, id, Watch::trace(TRACE))
    }

    fn join_for(board: &mut Switchboard, id: u64, watch: Watch) -> Self {
        let seat = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let leave = Leave { id, trace: TRACE, commands: mpsc::unbounded_channel().0, _seat: seat };
        let (outlet, subscription) = Subscription::open(leave, QUEUE);
        let (begin, began) = oneshot::channel();
        let newcomer = Newcomer { id, watch, outlet, begin };
        let to_be_listened_to = board.join(newcomer);
        Self { subscription, began, to_be_listened_to }
    }

    /// The snapshot's sequences, if it has come.
    fn snapshot(&mut self) -> Option<Vec<u64>> {
        let found = self.began.try_recv().ok()?;
        self.subscription.begin_after(&found.tasks);
        Some(found.tasks.iter().map(|update| update.sequence).collect())
    }

    /// What comes next, which must be there already.
    fn next(&mut self) -> Option<Result<u64, Ending>> {
        let mut next = Box::pin(self.subscription.next());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match next.as_mut().poll(&mut context) {
            std::task::Poll::Ready(next) => Some(next.map(|update| update.sequence)),
            std::task::Poll::Pending => None,
        }
    }
}

fn found(sequence: u64) -> TraceTasks {
    TraceTasks { tasks: vec![Arc::new(update(sequence, None))], truncated: false }
}

fn connected() -> Switchboard {
    let mut board = Switchboard::default();
    board.connected();
    board
}

/// A watcher that has its snapshot, of the task's first state.
fn watching() -> (Switchboard, Watcher, Instant) {
    let (mut board, now) = (connected(), Instant::now());
    let mut watcher = Watcher::join(&mut board, 1);
    board.bound(TRACE);
    board.begin_reading(9);
    board.read(TRACE, found(1), now);
    assert_eq!(watcher.snapshot(), Some(vec![1]));
    (board, watcher, now)
}

#[test]
fn a_trace_is_read_only_once_it_is_listened_to_and_the_snapshot_is_not_repeated() {
    let (mut board, now) = (connected(), Instant::now());
    let mut watcher = Watcher::join(&mut board, 1);
    assert!(watcher.to_be_listened_to);
    assert!(board.begin_reading(9).is_empty());
    board.bound(TRACE);
    assert_eq!(board.begin_reading(9), [TRACE]);
    // A change during the reading, which the reading sees; and one that it does not see.
    board.heard(update(3, Some(2)), now);
    board.heard(update(4, Some(3)), now);
    assert_eq!(watcher.snapshot(), None);
    board.read(TRACE, found(3), now);
    assert_eq!(watcher.snapshot(), Some(vec![3]));
    assert_eq!(watcher.next(), Some(Ok(4)));
    assert_eq!(watcher.next(), None);
}

#[test]
fn a_second_watcher_gets_a_reading_of_its_own_time() {
    let (mut board, now) = (connected(), Instant::now());
    let mut first = Watcher::join(&mut board, 1);
    board.bound(TRACE);
    assert_eq!(board.begin_reading(9), [TRACE]);
    let mut second = Watcher::join(&mut board, 2);
    assert!(!second.to_be_listened_to);
    board.read(TRACE, found(1), now);
    assert_eq!((first.snapshot(), second.snapshot()), (Some(vec![1]), None));
    board.heard(update(2, Some(1)), now);
    assert_eq!(board.begin_reading(9), [TRACE]);
    board.read(TRACE, found(2), now);
    assert_eq!(second.snapshot(), Some(vec![2]));
    assert_eq!(first.next(), Some(Ok(2)));
    assert_eq!((first.next(), second.next()), (None, None));
}

#[test]
fn without_a_broker_the_database_serves_and_after_a_loss_it_is_read_again() {
    let (mut board, now) = (Switchboard::default(), Instant::now());
    let mut watcher = Watcher::join(&mut board, 1);
    assert_eq!(board.begin_reading(9), [TRACE]);
    board.read(TRACE, found(1), now);
    assert_eq!(watcher.snapshot(), Some(vec![1]));
    board.connected();
    board.bound(TRACE);
    assert_eq!(board.begin_reading(9), [TRACE]);
    board.read(TRACE, found(2), now);
    assert_eq!(watcher.next(), Some(Ok(2)));
    board.lost();
    assert!(!board.has_unread(), "nobody waits");
    board.look_everywhere();
    assert_eq!(board.begin_reading(9), [TRACE]);
    board.read(TRACE, found(5), now);
    assert_eq!(watcher.next(), Some(Ok(5)), "nothing would tell of 3 and 4");
}

#[test]
fn what_the_database_knows_first_waits_for_what_was_heard_without_a_gap() {
    let (mut board, mut watcher, now) = watching();
    board.look_everywhere();
    board.begin_reading(9);
    board.read(TRACE, found(3), now);
    assert_eq!(watcher.next(), None, "2 and 3 are on their way");
    board.heard(update(2, Some(1)), now);
    assert_eq!((watcher.next(), watcher.next()), (Some(Ok(2)), Some(Ok(3))));

    // A gap that nobody saw the beginning of: the reading after it is believed at once, later ones are not.
    board.lost();
    board.connected();
    board.bound(TRACE);
    board.begin_reading(9);
    board.read(TRACE, found(5), now);
    assert_eq!(watcher.next(), Some(Ok(5)));
    board.look_everywhere();
    board.begin_reading(9);
    board.read(TRACE, found(7), now);
    assert_eq!(watcher.next(), None);
}

#[test]
fn a_slow_watcher_is_cut_off_and_the_others_go_on() {
    let (mut board, now) = (connected(), Instant::now());
    let (mut slow, mut quick) = (Watcher::join(&mut board, 1), Watcher::join(&mut board, 2));
    board.bound(TRACE);
    board.begin_reading(9);
    board.read(TRACE, TraceTasks::default(), now);
    for sequence in 1..=10 {
        assert!(!board.heard(update(sequence, Some(sequence - 1)), now));
        assert_eq!(quick.next(), Some(Ok(sequence)));
    }
    assert_eq!(slow.next(), Some(Err(Ending::TooSlow)));
    assert_eq!(slow.next(), Some(Err(Ending::TooSlow)));
    assert_eq!(board.subscribers(), 1);
    assert!(board.leave(TRACE, 2), "nobody watches any more");
    assert_eq!((board.subscribers(), board.traces()), (0, 0));
}

#[test]
fn a_watcher_of_one_task_hears_of_no_other() {
    let (mut board, now) = (connected(), Instant::now());
    let (mine, other) = (update(1, Some(0)).task_id, TaskId(Uuid::from_u128(99)));
    let mut watcher = Watcher::join_for(&mut board, 1, Watch::task(TRACE, mine));
    board.bound(TRACE);
    board.begin_reading(9);
    let both = vec![Arc::new(TaskUpdate { task_id: other, ..update(8, None) }), Arc::new(update(1, None))];
    board.read(TRACE, TraceTasks { tasks: both, truncated: false }, now);
    assert_eq!(watcher.snapshot(), Some(vec![1]));
    for sequence in 9..99 {
        board.heard(TaskUpdate { task_id: other, ..update(sequence, Some(sequence - 1)) }, now);
    }
    board.heard(update(2, Some(1)), now);
    assert_eq!((watcher.next(), watcher.next()), (Some(Ok(2)), None));
}

#[test]
fn who_waits_for_a_reading_that_fails_is_turned_away_and_the_end_reaches_the_rest() {
    let (mut board, mut watcher, _) = watching();
    let mut unlucky = Watcher::join(&mut board, 2);
    board.begin_reading(9);
    assert!(!board.unreadable(TRACE));
    assert!(matches!(unlucky.began.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    assert_eq!(board.subscribers(), 1);
    board.end_all(Ending::Stopping);
    assert_eq!(watcher.next(), Some(Err(Ending::Stopping)));
}

#[test]
fn a_watcher_that_may_see_only_some_projects_is_told_of_no_other() {
    let (mut board, now) = (connected(), Instant::now());
    let mine: ProjectId = "mine".parse().unwrap();
    let of = |sequence, task: u128, project_id: &ProjectId| TaskUpdate {
        task_id: TaskId(Uuid::from_u128(task)),
        project_id: project_id.clone(),
        ..update(sequence, Some(sequence - 1))
    };
    let watch = Watch::trace(TRACE).within(vec![mine.clone()]);
    let mut watcher = Watcher::join_for(&mut board, 1, watch);
    board.bound(TRACE);
    board.begin_reading(9);
    let tasks = vec![Arc::new(of(1, 1, &ProjectId::default())), Arc::new(of(2, 2, &mine))];
    board.read(TRACE, TraceTasks { tasks, truncated: false }, now);
    assert_eq!(watcher.snapshot(), Some(vec![2]));
    board.heard(of(2, 1, &ProjectId::default()), now);
    board.heard(of(3, 2, &mine), now);
    assert_eq!((watcher.next(), watcher.next()), (Some(Ok(3)), None));
}

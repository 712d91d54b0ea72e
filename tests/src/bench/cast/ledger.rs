//! Who has begun when and who has arrived: times from the intended submission of a task to the last sign of its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use protocol::events::EventData;
use protocol::{Event, TaskId};
use test_support::wait_until;
use tokio::sync::Semaphore;

use crate::bench::clock::Moment;
use crate::bench::latencies::Latencies;

/// The books on all tasks under way.
pub struct Ledger {
    needs_record: bool,
    from: Moment,
    until: Moment,
    permits: Arc<Semaphore>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    tasks: HashMap<TaskId, Entry>,
    ended: usize,
    ended_in_time: usize,
    latencies: Latencies,
}

/// A task; it stays in the books after its end, since a sign may be repeated.
#[derive(Default)]
struct Entry {
    begun: Option<Moment>,
    completed: bool,
    recorded: bool,
    ended: bool,
}

impl Ledger {
    /// Books that give a permit back when a task is completed and, if `needs_record`, its record is written. Measured
    /// is what begins after `warm_up`, for `time`.
    #[must_use]
    pub fn new(needs_record: bool, permits: usize, warm_up: Duration, time: Duration) -> Arc<Self> {
        let from = Moment::now().after(warm_up);
        let permits = Arc::new(Semaphore::new(permits));
        Arc::new(Self { needs_record, from, until: from.after(time), permits, books: Mutex::default() })
    }

    /// The permits that ended tasks give back.
    #[must_use]
    pub fn permits(&self) -> Arc<Semaphore> {
        Arc::clone(&self.permits)
    }

    /// A task was meant to be submitted at that moment.
    pub fn begins(&self, task: TaskId, moment: Moment) {
        self.lock().tasks.entry(task).or_default().begun = Some(moment);
    }

    /// Takes note of what an event says of a task's end.
    pub fn hear(&self, event: &Event) {
        let (task, recorded) = match &event.data {
            EventData::TaskStatusChanged(change) => (change.task_id, false),
            EventData::ProvenanceRecorded(record) => (record.task_id, true),
            _ => return,
        };
        let mut books = self.lock();
        let entry = books.tasks.entry(task).or_default();
        entry.recorded |= recorded;
        entry.completed |= !recorded;
        let over = entry.completed && (entry.recorded || !self.needs_record) && !entry.ended;
        let Some(begun) = entry.begun.filter(|_| over) else { return };
        entry.ended = true;
        books.ended += 1;
        if (self.from..self.until).contains(&begun) {
            books.latencies.record(begun.age());
        }
        if (self.from..self.until).contains(&Moment::now()) {
            books.ended_in_time += 1;
        }
        drop(books);
        self.permits.add_permits(1);
    }

    /// Waits until everything that began has ended.
    ///
    /// # Panics
    /// When something has not within `patience`: it is lost or stuck.
    pub async fn settled(&self, patience: Duration) {
        let all_ended = || async {
            let books = self.lock();
            books.ended == books.tasks.len()
        };
        wait_until("every task that began has ended", patience, all_ended).await;
    }

    /// The times of all that began while it was measured.
    #[must_use]
    pub fn latencies(&self) -> Latencies {
        self.lock().latencies.clone()
    }

    /// Ends a second while it was measured.
    #[must_use]
    pub fn rate(&self, time: Duration) -> f64 {
        self.lock().ended_in_time as f64 / time.as_secs_f64()
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("nobody panics with the books in hand")
    }
}

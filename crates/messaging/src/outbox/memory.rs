//! Which events are in this process's memory on their way out. Bounds how many, and keeps the sweeper from publishing
//! what is on its way already.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

pub(super) struct Memory {
    held: Mutex<Held>,
    most_events: usize,
    most_bytes: usize,
    released: Notify,
}

/// What became of an event that wants in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is in now.
    Admitted,
    /// It was in already.
    Held,
    /// There is no room.
    Full,
}

#[derive(Default)]
struct Held {
    /// Bytes of each event.
    events: HashMap<Uuid, usize>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self { held: Mutex::default(), most_events, most_bytes, released: Notify::new() }
    }

    /// Takes an event in, if it is not in and there is room. An event that is larger than all of memory gets in when
    /// nothing else is there.
    pub(super) fn admit(&self, id: Uuid, bytes: usize) -> Admission {
        let mut held = self.lock();
        if held.events.contains_key(&id) {
            return Admission::Held;
        }
        let fits =
            held.events.len() < self.most_events && held.bytes.saturating_add(bytes) <= self.most_bytes;
        if !fits && !held.events.is_empty() {
            return Admission::Full;
        }
        held.events.insert(id, bytes);
        held.bytes += bytes;
        Admission::Admitted
    }

    /// Takes an event in as soon as there is room; false when it was in already. For one waiting task.
    pub(super) async fn admit_in_time(&self, id: Uuid, bytes: usize) -> bool {
        loop {
            match self.admit(id, bytes) {
                Admission::Admitted => return true,
                Admission::Held => return false,
                Admission::Full => self.released.notified().await,
            }
        }
    }

    /// Lets events go: their rows are deleted, or left to the sweeper.
    pub(super) fn release<'a>(&self, ids: impl IntoIterator<Item = &'a Uuid>) {
        let mut held = self.lock();
        for id in ids {
            if let Some(bytes) = held.events.remove(id) {
                held.bytes -= bytes;
            }
        }
        drop(held);
        // Keeps one permit when nobody waits yet, so that a release between a look and the wait is not missed.
        self.released.notify_one();
    }

    /// Nothing in here panics half way, so a poisoned lock still guards a whole value.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<Uuid> {
        (0..4).map(Uuid::from_u128).collect()
    }

    #[test]
    fn it_is_bounded_by_count_and_by_bytes_and_holds_an_event_once() {
        let (memory, ids) = (Memory::new(2, 100), ids());
        assert_eq!(memory.admit(ids[0], 60), Admission::Admitted);
        assert_eq!(memory.admit(ids[0], 1), Admission::Held);
        assert_eq!(memory.admit(ids[1], 60), Admission::Full, "too many bytes");
        assert_eq!(memory.admit(ids[2], 10), Admission::Admitted);
        assert_eq!(memory.admit(ids[3], 1), Admission::Full, "too many events");
        memory.release([&ids[0]]);
        assert_eq!(memory.admit(ids[1], 60), Admission::Admitted);
    }

    #[test]
    fn an_event_larger_than_memory_gets_in_alone() {
        let (memory, ids) = (Memory::new(2, 100), ids());
        assert_eq!(memory.admit(ids[0], 1000), Admission::Admitted);
        assert_eq!(memory.admit(ids[1], 1), Admission::Full);
    }

    #[tokio::test]
    async fn who_waits_gets_in_when_another_leaves() {
        let (memory, ids) = (Memory::new(1, 100), ids());
        memory.admit(ids[0], 1);
        let (admitted, ()) =
            tokio::join!(memory.admit_in_time(ids[1], 1), async { memory.release([&ids[0]]) });
        assert!(admitted);
        assert!(!memory.admit_in_time(ids[1], 1).await, "it is in already");
    }
}

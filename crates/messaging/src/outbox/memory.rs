//! Which events are in this process's memory on their way out. Bounds how many, and keeps the sweeper from publishing
//! what is on its way already.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

pub(super) struct Memory {
    held: Mutex<Held>,
    most_events: usize,
    most_bytes: usize,
}

#[derive(Default)]
struct Held {
    /// Bytes of each event.
    events: HashMap<Uuid, usize>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self { held: Mutex::default(), most_events, most_bytes }
    }

    /// Takes an event in; false when it is in already or there is no room.
    pub(super) fn admit(&self, id: Uuid, bytes: usize) -> bool {
        let mut held = self.lock();
        let fits =
            held.events.len() < self.most_events && held.bytes.saturating_add(bytes) <= self.most_bytes;
        if !fits || held.events.contains_key(&id) {
            return false;
        }
        held.events.insert(id, bytes);
        held.bytes += bytes;
        true
    }

    /// Lets events go: their rows are deleted, or left to the sweeper.
    pub(super) fn release<'a>(&self, ids: impl IntoIterator<Item = &'a Uuid>) {
        let mut held = self.lock();
        for id in ids {
            if let Some(bytes) = held.events.remove(id) {
                held.bytes -= bytes;
            }
        }
    }

    /// How many more would fit.
    pub(super) fn room(&self) -> usize {
        self.most_events.saturating_sub(self.lock().events.len())
    }

    /// Nothing in here panics half way, so a poisoned lock still guards a whole value.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_by_count_and_by_bytes_and_holds_an_event_once() {
        let memory = Memory::new(2, 100);
        let ids: Vec<Uuid> = (0..4).map(Uuid::from_u128).collect();
        assert!(memory.admit(ids[0], 60));
        assert!(!memory.admit(ids[0], 1), "twice");
        assert!(!memory.admit(ids[1], 60), "too many bytes");
        assert!(memory.admit(ids[2], 10));
        assert!(!memory.admit(ids[3], 1), "too many events");
        memory.release([&ids[0]]);
        assert!(memory.admit(ids[1], 60));
        assert_eq!(memory.room(), 0);
    }
}

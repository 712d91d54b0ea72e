//! Wakes a reconciler and tells it where to look. Bounded: beyond some thousand places it just looks everywhere.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Places remembered; more of them mean "everywhere".
const MOST_PLACES: usize = 4096;

/// Where a reconciler is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope<K> {
    /// Only there.
    Places(BTreeSet<K>),
    /// Nobody knows, or too many to tell.
    Everywhere,
}

/// A wake-up call that collects places until it is answered.
#[derive(Debug)]
pub(crate) struct Nudge<K> {
    places: Mutex<Scope<K>>,
    woken: Notify,
}

impl<K: Ord> Default for Nudge<K> {
    fn default() -> Self {
        Self { places: Mutex::new(Scope::Places(BTreeSet::new())), woken: Notify::new() }
    }
}

impl<K: Ord> Nudge<K> {
    /// Asks for a look at these places; none is no call.
    pub(crate) fn add(&self, places: impl IntoIterator<Item = K>) {
        let mut places = places.into_iter().peekable();
        if places.peek().is_none() {
            return;
        }
        let mut scope = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Scope::Places(known) = &mut *scope {
            known.extend(places);
            if known.len() > MOST_PLACES {
                *scope = Scope::Everywhere;
            }
        }
        drop(scope);
        self.woken.notify_one();
    }

    /// Asks for a look everywhere.
    pub(crate) fn everywhere(&self) {
        *self.places.lock().unwrap_or_else(PoisonError::into_inner) = Scope::Everywhere;
        self.woken.notify_one();
    }

    /// Returns when there was a call since the last [`Nudge::take`] that answered one.
    pub(crate) async fn called(&self) {
        self.woken.notified().await;
    }

    /// The places called for so far, which are forgotten.
    pub(crate) fn take(&self) -> Scope<K> {
        let mut scope = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut *scope, Scope::Places(BTreeSet::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_are_collected_and_answered_once() {
        let nudge = Nudge::default();
        nudge.add([2, 1]);
        nudge.add([2, 3]);
        nudge.add([]);
        nudge.called().await;
        assert_eq!(nudge.take(), Scope::Places(BTreeSet::from([1, 2, 3])));
        assert_eq!(nudge.take(), Scope::Places(BTreeSet::new()));
    }

    #[test]
    fn too_many_places_become_everywhere() {
        let nudge = Nudge::default();
        nudge.add(0..=MOST_PLACES);
        nudge.add([1]);
        assert_eq!(nudge.take(), Scope::Everywhere);
        nudge.everywhere();
        nudge.add([1]);
        assert_eq!(nudge.take(), Scope::Everywhere);
    }
}

//! Delivery tags of one channel. The broker numbers deliveries 1, 2, 3, ...; one acknowledgement with `multiple`
//! covers everything up to a tag, so it may only name a tag when all before it are settled too, and never one that
//! was acknowledged before: the broker closes the channel for that.

use std::collections::VecDeque;

use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Acks {
    /// Highest tag acknowledged.
    acknowledged: u64,
    /// The tags after it, as they were taken.
    slots: VecDeque<Slot>,
    /// How many slots from the front on are known to be settled.
    ready: usize,
}

struct Slot {
    taken_at: Instant,
    settled: bool,
}

impl Acks {
    /// Notes a delivery. Tags come without gaps; a gap would mean deliveries lost inside amqprs, and the answer to
    /// that is a new session.
    #[must_use]
    pub(super) fn take(&mut self, tag: u64, taken_at: Instant) -> bool {
        let expected = self.acknowledged + self.slots.len() as u64 + 1;
        if tag == expected {
            self.slots.push_back(Slot { taken_at, settled: false });
        }
        tag == expected
    }

    /// Notes that a delivery needs nothing more than its acknowledgement.
    pub(super) fn settle(&mut self, tag: u64) {
        let position = tag.checked_sub(self.acknowledged + 1).and_then(|offset| usize::try_from(offset).ok());
        if let Some(slot) = position.and_then(|position| self.slots.get_mut(position)) {
            slot.settled = true;
        }
    }

    /// How many deliveries one acknowledgement would cover now.
    pub(super) fn ready(&mut self) -> usize {
        let more = self.slots.iter().skip(self.ready).take_while(|slot| slot.settled).count();
        self.ready += more;
        self.ready
    }

    /// The tag to acknowledge with `multiple`, if there is anything new to acknowledge.
    pub(super) fn watermark(&mut self) -> Option<u64> {
        let settled = self.ready();
        self.ready = 0;
        self.slots.drain(..settled);
        self.acknowledged += settled as u64;
        (settled > 0).then_some(self.acknowledged)
    }

    /// How many are taken and not acknowledged.
    pub(super) fn unacknowledged(&self) -> usize {
        self.slots.len()
    }

    /// When the oldest delivery not acknowledged was taken.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.slots.front().map(|slot| slot.taken_at)
    }

    /// How many were acknowledged in all.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(count: u64) -> Acks {
        let mut acks = Acks::default();
        assert!((1..=count).all(|tag| acks.take(tag, Instant::now())));
        acks
    }

    #[test]
    fn the_watermark_waits_for_the_oldest_and_names_a_tag_once() {
        let mut acks = taken(5);
        acks.settle(2);
        acks.settle(3);
        assert_eq!(acks.watermark(), None);
        acks.settle(1);
        assert_eq!(acks.watermark(), Some(3));
        assert_eq!(acks.watermark(), None);
        acks.settle(4);
        assert_eq!(acks.watermark(), Some(4));
        assert_eq!(acks.unacknowledged(), 1);
    }

    #[test]
    fn what_one_acknowledgement_would_cover_grows_until_it_is_sent() {
        let mut acks = taken(4);
        acks.settle(1);
        assert_eq!(acks.ready(), 1);
        acks.settle(3);
        assert_eq!(acks.ready(), 1);
        acks.settle(2);
        assert_eq!(acks.ready(), 3);
        assert_eq!(acks.watermark(), Some(3));
        assert_eq!(acks.ready(), 0);
    }

    #[test]
    fn settling_what_is_acknowledged_or_unknown_changes_nothing() {
        let mut acks = taken(2);
        acks.settle(1);
        acks.settle(1);
        assert_eq!(acks.watermark(), Some(1));
        acks.settle(1);
        acks.settle(0);
        acks.settle(99);
        assert_eq!(acks.watermark(), None);
    }

    #[test]
    fn a_gap_in_the_tags_is_noticed() {
        let mut acks = taken(2);
        assert!(!acks.take(4, Instant::now()));
        assert!(acks.take(3, Instant::now()));
    }
}

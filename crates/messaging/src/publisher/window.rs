//! What is published and not confirmed yet, of one channel. The broker numbers a channel's messages 1, 2, 3, ...,
//! so the position in a queue is the delivery tag.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::entry::Entry;

pub(super) struct Window {
    first_tag: u64,
    slots: VecDeque<Option<Unconfirmed>>,
    live: usize,
    bytes: usize,
}

pub(super) struct Unconfirmed {
    pub(super) entry: Entry,
    pub(super) sent_at: Instant,
    /// The broker sent it back; its confirm follows and means that no queue has it.
    pub(super) returned: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self { first_tag: 1, slots: VecDeque::new(), live: 0, bytes: 0 }
    }
}

impl Window {
    /// Adds the message that was published next.
    pub(super) fn push(&mut self, entry: Entry, sent_at: Instant) {
        self.live += 1;
        self.bytes += entry.message.weight();
        self.slots.push_back(Some(Unconfirmed { entry, sent_at, returned: false }));
    }

    /// Takes out what a confirm or nack settles. A tag that is settled or was never given settles nothing.
    pub(super) fn settle(&mut self, tag: u64, multiple: bool, mut settled: impl FnMut(Unconfirmed)) {
        let Some(position) = tag.checked_sub(self.first_tag).and_then(|offset| usize::try_from(offset).ok())
        else {
            return;
        };
        let first = if multiple { 0 } else { position };
        for slot in self.slots.iter_mut().take(position.saturating_add(1)).skip(first) {
            if let Some(unconfirmed) = slot.take() {
                self.live -= 1;
                self.bytes -= unconfirmed.entry.message.weight();
                settled(unconfirmed);
            }
        }
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first_tag += 1;
        }
    }

    /// Marks the oldest message that fits as sent back. Returns come in publishing order, so the oldest one not
    /// marked yet is the right one even when a message id is in the window twice.
    pub(super) fn mark_returned(&mut self, fits: impl Fn(&Entry) -> bool) -> bool {
        let found = self.slots.iter_mut().flatten().find(|slot| !slot.returned && fits(&slot.entry));
        found.is_some_and(|slot| {
            slot.returned = true;
            true
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest message still unconfirmed was published.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.slots.iter().flatten().next().map(|unconfirmed| unconfirmed.sent_at)
    }

    /// Everything unconfirmed, in publishing order, for the next session.
    pub(super) fn into_entries(self) -> impl DoubleEndedIterator<Item = Entry> {
        self.slots.into_iter().flatten().map(|unconfirmed| unconfirmed.entry)
    }
}

#[cfg(test)]
mod tests {
    use protocol::WireMessage;
    use tokio::sync::oneshot;

    use super::super::entry::Reply;
    use super::*;

    fn window(count: usize) -> Window {
        let mut window = Window::default();
        for index in 1..=count {
            window.push(entry(&index.to_string()), Instant::now());
        }
        window
    }

    fn entry(message_id: &str) -> Entry {
        let message = WireMessage {
            exchange: String::new(),
            routing_key: String::new(),
            message_id: message_id.to_owned(),
            event_type: String::new(),
            content_type: String::new(),
            correlation_id: None,
            traceparent: None,
            timestamp: 0,
            body: vec![0; 10],
        };
        Entry { message: message.into(), reply: Reply::One(oneshot::channel().0) }
    }

    fn settle(window: &mut Window, tag: u64, multiple: bool) -> Vec<String> {
        let mut ids = Vec::new();
        window.settle(tag, multiple, |unconfirmed| ids.push(unconfirmed.entry.message.message.message_id));
        ids
    }

    fn rest(window: Window) -> Vec<String> {
        window.into_entries().map(|entry| entry.message.message.message_id).collect()
    }

    #[test]
    fn confirms_settle_in_any_order_and_each_message_once() {
        let mut window = window(5);
        assert_eq!(settle(&mut window, 2, false), ["2"]);
        assert_eq!(settle(&mut window, 4, true), ["1", "3", "4"]);
        assert_eq!(settle(&mut window, 3, false), Vec::<String>::new());
        assert_eq!(window.len(), 1);
        assert_eq!(settle(&mut window, 5, false), ["5"]);
        assert!(window.is_empty());
        assert_eq!(window.bytes(), 0);
        window.push(entry("6"), Instant::now());
        assert_eq!(settle(&mut window, 6, false), ["6"]);
    }

    #[test]
    fn tags_that_were_never_given_settle_nothing_beyond_what_is_there() {
        let mut window = window(2);
        assert_eq!(settle(&mut window, 0, true), Vec::<String>::new());
        assert_eq!(settle(&mut window, 9, false), Vec::<String>::new());
        assert_eq!(settle(&mut window, 9, true), ["1", "2"]);
    }

    #[test]
    fn what_is_left_keeps_its_order() {
        let mut window = window(4);
        settle(&mut window, 2, false);
        assert_eq!(rest(window), ["1", "3", "4"]);
    }

    #[test]
    fn a_return_marks_the_oldest_copy_first() {
        let mut window = Window::default();
        window.push(entry("a"), Instant::now());
        window.push(entry("a"), Instant::now());
        let is_a = |entry: &Entry| entry.message.message.message_id == "a";
        assert!(window.mark_returned(is_a));
        let mut returned = Vec::new();
        window.settle(2, true, |unconfirmed| returned.push(unconfirmed.returned));
        assert_eq!(returned, [true, false]);
        assert!(!window.mark_returned(is_a));
    }
}

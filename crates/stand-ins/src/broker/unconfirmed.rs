//! Publishes that wait for the broker's confirm, by delivery tag.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

/// Who waits for which confirm. Tags count from 1 for each channel.
#[derive(Default)]
pub(super) struct Unconfirmed {
    last_tag: u64,
    waiting: BTreeMap<u64, oneshot::Sender<bool>>,
}

impl Unconfirmed {
    /// Notes the publish that was just handed to the channel.
    pub(super) fn push(&mut self, waiter: oneshot::Sender<bool>) {
        self.last_tag += 1;
        self.waiting.insert(self.last_tag, waiter);
    }

    /// Tells the waiters of `tag`, and of all before it if `multiple`, how it went.
    pub(super) fn settle(&mut self, tag: u64, multiple: bool, confirmed: bool) {
        let settled = if multiple {
            let later = self.waiting.split_off(&(tag + 1));
            std::mem::replace(&mut self.waiting, later)
        } else {
            self.waiting.remove_entry(&tag).into_iter().collect()
        };
        for waiter in settled.into_values() {
            // A handler that was dropped meanwhile no longer cares.
            let _ = waiter.send(confirmed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiple_confirm_settles_everything_up_to_its_tag() {
        let mut unconfirmed = Unconfirmed::default();
        let mut waiters: Vec<_> = (0..3)
            .map(|_| {
                let (sender, receiver) = oneshot::channel();
                unconfirmed.push(sender);
                receiver
            })
            .collect();
        unconfirmed.settle(2, true, true);
        assert_eq!(waiters[0].try_recv(), Ok(true));
        assert_eq!(waiters[1].try_recv(), Ok(true));
        assert!(waiters[2].try_recv().is_err());
        unconfirmed.settle(3, false, false);
        assert_eq!(waiters[2].try_recv(), Ok(false));
    }
}

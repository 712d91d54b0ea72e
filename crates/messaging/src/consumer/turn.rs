//! The order of batches that are handled at the same time, for handlers which may do most of their work side by side
//! and one step of it only in the order of the queue.

use std::convert::Infallible;

use tokio::sync::oneshot;

/// A batch's place among those of its session. Dropping it lets the next batch have its turn, whether this one has had
/// its own or failed before. One that is made by default waits for nobody.
#[derive(Debug, Default)]
pub struct Turn {
    before: Option<oneshot::Receiver<Infallible>>,
    /// Never used: its end is the sign.
    _next: Option<oneshot::Sender<Infallible>>,
}

impl Turn {
    /// Waits until the batches before have given up their turn.
    pub async fn come(&mut self) {
        if let Some(before) = &mut self.before {
            // Nothing can be sent; what comes is the end of the one before.
            let _ = before.await;
            self.before = None;
        }
    }
}

/// Where batches line up.
#[derive(Debug, Default)]
pub(super) struct Line {
    last: Option<oneshot::Receiver<Infallible>>,
}

impl Line {
    /// The place behind the last one.
    pub(super) fn join(&mut self) -> Turn {
        let (next, after) = oneshot::channel();
        Turn { before: self.last.replace(after), _next: Some(next) }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn each_turn_comes_when_the_one_before_is_over() {
        let mut line = Line::default();
        let (mut first, mut second, mut third) = (line.join(), line.join(), line.join());
        assert_eq!(second.come().now_or_never(), None);
        assert_eq!(first.come().now_or_never(), Some(()));
        assert_eq!(second.come().now_or_never(), None, "the first one is still at it");
        drop(first);
        assert_eq!(second.come().now_or_never(), Some(()));
        assert_eq!(second.come().now_or_never(), Some(()), "it may be asked again");
        drop(second);
        assert_eq!(third.come().now_or_never(), Some(()));
    }

    #[test]
    fn whoever_belongs_to_no_line_waits_for_nobody() {
        assert_eq!(Turn::default().come().now_or_never(), Some(()));
    }
}

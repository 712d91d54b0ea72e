//! Waiting for something to become true, with an end.

use std::time::{Duration, Instant};

/// Enough for anything that should happen soon, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Calls `probe` until it gives something.
///
/// # Panics
/// With `what` when it has given nothing for `limit`.
pub async fn wait_for<T, F, Fut>(what: &str, limit: Duration, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {:.1} s in vain for {what}", limit.as_secs_f64());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Calls `holds` until it is true.
///
/// # Panics
/// With `what` when it has not been true for `limit`.
pub async fn wait_until<F, Fut>(what: &str, limit: Duration, mut holds: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    wait_for(what, limit, || {
        let held = holds();
        async move { held.await.then_some(()) }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_comes_late_is_returned() {
        let calls = Cell::new(0);
        let found = wait_for("the third call", PATIENCE, || async {
            calls.set(calls.get() + 1);
            (calls.get() == 3).then_some("there")
        })
        .await;
        assert_eq!((found, calls.get()), ("there", 3));
    }

    #[tokio::test]
    #[should_panic(expected = "waited 0.0 s in vain for a miracle")]
    async fn what_never_comes_is_named() {
        wait_until("a miracle", Duration::from_millis(5), || async { false }).await;
    }
}

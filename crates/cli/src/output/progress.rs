//! A bar on standard error for whatever takes long.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const COUNTED: &str = "{msg} [{bar:30}] {pos}/{len} {per_sec} {eta}";
const SHARE: &str = "{msg} [{bar:30}] {percent}%";
const UNCOUNTED: &str = "{msg} {spinner} {pos} {per_sec}";

/// How far something is. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn begin(what: &'static str, length: Option<u64>, shown: bool) -> Self {
        Self::with(what, length, if length.is_some() { COUNTED } else { UNCOUNTED }, shown)
    }

    pub(super) fn begin_share(what: &'static str, shown: bool) -> Self {
        Self::with(what, Some(100), SHARE, shown)
    }

    fn with(what: &'static str, length: Option<u64>, template: &str, shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(length, target)
            .with_style(style.progress_chars("=> "))
            .with_message(what);
        if shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self(bar)
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// So much is done.
    pub(crate) fn set(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Says what goes on.
    pub(crate) fn say(&self, what: String) {
        self.0.set_message(what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

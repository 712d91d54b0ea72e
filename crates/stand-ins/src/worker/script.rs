//! Stage directions: markers in a task's description that steer the worker, so that a demo or test is scripted
//! through the public door alone.

use std::time::Duration;

/// What the description asks the worker to do beside its work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// `[fail]`: the attempt fails and no other will go better.
    pub fails_for_good: bool,
    /// `[fail-once]`: the first attempt fails.
    pub fails_once: bool,
    /// `[fail-always]`: every attempt fails, each saying that another may go better.
    pub fails_always: bool,
    /// `[reject-once]`: the part that QA looks for is left out until feedback asks for it.
    pub incomplete_once: bool,
    /// `[reject-always]`: the part that QA looks for is left out whatever the feedback says.
    pub incomplete_always: bool,
    /// `[silent]`: the task is taken and nothing is ever heard of it.
    pub silent: bool,
    /// `[takes 1500ms]`: how long the work takes.
    pub duration: Option<Duration>,
}

impl Script {
    /// Reads the markers. Text in brackets that is none is left alone.
    #[must_use]
    pub fn of(description: &str) -> Self {
        let mut script = Self::default();
        for marker in description.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
            match marker.0 {
                "fail" => script.fails_for_good = true,
                "fail-once" => script.fails_once = true,
                "fail-always" => script.fails_always = true,
                "reject-once" => script.incomplete_once = true,
                "reject-always" => script.incomplete_always = true,
                "silent" => script.silent = true,
                other => script.duration = duration(other).or(script.duration),
            }
        }
        script
    }
}

fn duration(marker: &str) -> Option<Duration> {
    let milliseconds = marker.strip_prefix("takes ")?.strip_suffix("ms")?.parse().ok()?;
    Some(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_among_other_text() {
        let script = Script::of("Parse [section] headers [fail-once] of INI files [takes 250ms]");
        let expected =
            Script { fails_once: true, duration: Some(Duration::from_millis(250)), ..Script::default() };
        assert_eq!(script, expected);
    }

    #[test]
    fn text_that_only_looks_like_a_marker_means_nothing() {
        assert_eq!(Script::of("a[0] [takes long] [takes 5s] [fail"), Script::default());
    }
}

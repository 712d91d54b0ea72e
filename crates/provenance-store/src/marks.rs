//! Marks: what was found wrong, and what is suspect because it is built on it.
//! Somebody marks a version of an artifact; the mark is a *wave* that runs along the edges through every record it
//! meets. Each record keeps the newest wave that reaches it. Clearing a record stops all waves that are out by then;
//! later ones get through. What is suspect therefore follows from marks, edges and clearings alone, in whatever
//! order they came. Everything here runs under the graph writer's lock, in the caller's transaction.

mod account;
mod announcement;
mod brought;
mod clearing;
mod refresh;
mod spread;
mod standing;
mod store;
mod suspicion;
mod taint;
mod taking_back;
mod target;
mod walk;

pub use announcement::Cause;
pub use brought::tell_brought;
pub use clearing::{Cleared, clear};
pub use refresh::{follow_imported, follow_records};
pub use standing::{tell_all, tell_marked, tell_new_versions};
pub use suspicion::suspect;
pub use taint::{TaintOrder, taint};
pub use target::{MarkTarget, find_target, find_targets};

pub(crate) use account::{list_loose, list_unaccounted};
pub(crate) use announcement::{ARTIFACTS_PER_EVENT, entry};
pub(crate) use standing::{take_standing, tell as tell_standing};
pub(crate) use taint::last_seq;
pub(crate) use taking_back::take_back;

/// What holds for every mark, from settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MarkRules {
    /// Most edges that a wave runs along; no limit when absent. It always comes to what is made directly from something
    /// tainted.
    pub max_depth: Option<u32>,
}

impl MarkRules {
    /// Whether a wave may come as far as this.
    const fn reaches(self, depth: u32) -> bool {
        match self.max_depth {
            Some(limit) => depth <= limit,
            None => true,
        }
    }

    /// Most edges that a wave may run along from something tainted, the depth of which is that.
    fn edges_from(self, depth: u32) -> Option<u32> {
        self.max_depth.map(|limit| limit.saturating_sub(depth).max(1))
    }
}

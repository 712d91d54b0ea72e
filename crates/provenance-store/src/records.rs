//! Records: what is known of a task attempt that produced something.
//! A record is the projection of its reports and of what else was told about the attempt, and every way of
//! putting facts together commutes: events may come in any order and any number of times.

pub mod apply;
pub mod attempt;
pub(crate) mod chained;
mod changes;
pub mod digest;
mod ledger;
pub mod projection;
pub mod report;
pub(crate) mod rows;
mod spending;
pub mod store;
pub mod translation;
pub mod verdict;
pub(crate) mod written;

pub use apply::{Heard, apply_batch};
pub use attempt::{Announced, Announcement, Attempt, AttemptFacts, AttemptKey, Fact, Record};
pub use projection::{FilledIn, Projection};
pub use report::{Produced, Report, ReportKey, ReportKind, Reported, Use};
pub use verdict::{Outcome, Verdict, VerdictSource};

#[cfg(test)]
mod tests;

//! What a batch adds to the cost of work, by tier, for the metrics: counted once the batch is committed.

use std::collections::BTreeMap;

use metrics::counter;
use protocol::vocabulary::{Tier, VerificationStatus};

use super::rows::RecordRow;
use crate::measurements::{COST, UNPRICED};

/// What changed, by the tier as metrics name it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Spending(BTreeMap<String, Spent>);

/// What one tier was spent on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Spent {
    micro_units: u64,
    unpriced: u64,
}

/// What matters of a record here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bill {
    cost: Option<i64>,
    judged: bool,
}

impl Bill {
    fn of(row: &RecordRow) -> Self {
        Self { cost: row.cost_micros, judged: row.verdict != VerificationStatus::Pending.as_str() }
    }
}

impl Spending {
    /// A record became `after`.
    pub(super) fn add(&mut self, before: Option<&RecordRow>, after: &RecordRow) {
        self.take(after.tier.as_deref(), before.map(Bill::of), Bill::of(after));
    }

    /// Counters only grow: of a cost that is corrected, what came on top. Whether a cost stays unknown is known once
    /// the work is judged, since the tier may be told after the report.
    fn take(&mut self, tier: Option<&str>, before: Option<Bill>, after: Bill) {
        let known = |bill: Bill| bill.cost.unwrap_or_default();
        let more = known(after).saturating_sub(before.map_or(0, known)).max(0).unsigned_abs();
        let judged_now = after.judged && !before.is_some_and(|bill| bill.judged);
        let unpriced = judged_now && after.cost.is_none();
        if more > 0 || unpriced {
            let spent = self.0.entry(label(tier)).or_default();
            spent.micro_units = spent.micro_units.saturating_add(more);
            spent.unpriced += u64::from(unpriced);
        }
    }

    /// Counts it.
    pub(super) fn record(self) {
        for (tier, spent) in self.0 {
            if spent.micro_units > 0 {
                counter!(COST, "tier" => tier.clone()).increment(spent.micro_units);
            }
            if spent.unpriced > 0 {
                counter!(UNPRICED, "tier" => tier).increment(spent.unpriced);
            }
        }
    }
}

/// Tiers come from outside: a label takes only those that are known, so that nobody can grow the metrics.
fn label(tier: Option<&str>) -> String {
    match tier.map(Tier::from) {
        None => "none".to_owned(),
        Some(tier) if tier.is_known() => tier.as_str().to_owned(),
        Some(_) => "other".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNJUDGED: Bill = Bill { cost: None, judged: false };

    fn priced(cost: i64) -> Bill {
        Bill { cost: Some(cost), judged: false }
    }

    #[test]
    fn costs_add_up_by_tier_and_corrections_count_what_came_on_top() {
        let mut spending = Spending::default();
        spending.take(Some("small"), None, priced(10));
        spending.take(Some("small"), Some(priced(10)), priced(25));
        spending.take(Some("small"), Some(priced(25)), priced(5));
        spending.take(Some("house-made"), Some(UNJUDGED), priced(7));
        spending.take(Some("tiny"), None, UNJUDGED);
        let expected = [
            ("other".to_owned(), Spent { micro_units: 7, unpriced: 0 }),
            ("small".to_owned(), Spent { micro_units: 25, unpriced: 0 }),
        ];
        assert_eq!(spending, Spending(expected.into()));
    }

    #[test]
    fn work_without_a_known_cost_counts_once_when_it_is_judged() {
        let judged = Bill { judged: true, ..UNJUDGED };
        let mut spending = Spending::default();
        spending.take(None, None, UNJUDGED);
        spending.take(None, Some(UNJUDGED), judged);
        spending.take(None, Some(judged), judged);
        spending.take(Some("small"), Some(priced(1)), Bill { cost: Some(1), judged: true });
        let expected = [("none".to_owned(), Spent { micro_units: 0, unpriced: 1 })];
        assert_eq!(spending, Spending(expected.into()));
    }
}

//! What a project's work cost, and how much of that was for nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ProjectHealth;

/// A project's records in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectSummary {
    /// Whether they can be trusted.
    pub health: ProjectHealth,
    /// What they cost.
    pub spend: Spend,
    /// What they cost, by tier; work of unknown tier is under the empty text.
    pub by_tier: BTreeMap<String, Spend>,
}

/// What work cost. The parts overlap: work can be rejected and tainted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// All of it.
    pub total: Amount,
    /// Work that QA or a person rejected.
    pub rejected: Amount,
    /// Work that was found wrong later.
    pub tainted: Amount,
    /// Work that is built on something found wrong.
    pub suspect: Amount,
    /// Work that was rejected or found wrong.
    pub wasted: Amount,
}

/// Tokens and money.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Records.
    pub records: u64,
    /// Those whose cost is not known.
    pub unpriced_records: u64,
    /// Tokens read, as far as told.
    pub tokens_input: u64,
    /// Tokens written, as far as told.
    pub tokens_output: u64,
    /// Cost of the priced records in millionths of the currency unit; absent where there are only unpriced ones.
    pub cost_micro_units: Option<u64>,
}

impl Amount {
    /// Adds another amount to this one.
    pub fn add(&mut self, other: &Self) {
        self.records = self.records.saturating_add(other.records);
        self.unpriced_records = self.unpriced_records.saturating_add(other.unpriced_records);
        self.tokens_input = self.tokens_input.saturating_add(other.tokens_input);
        self.tokens_output = self.tokens_output.saturating_add(other.tokens_output);
        self.cost_micro_units = match (self.cost_micro_units, other.cost_micro_units) {
            (Some(ours), Some(theirs)) => Some(ours.saturating_add(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_cost_adds_nothing_and_is_not_nothing() {
        let priced = Amount { records: 1, cost_micro_units: Some(0), ..Amount::default() };
        let unpriced = Amount { records: 2, unpriced_records: 2, ..Amount::default() };
        let mut sum = Amount::default();
        sum.add(&unpriced);
        assert_eq!(sum.cost_micro_units, None);
        sum.add(&priced);
        assert_eq!((sum.records, sum.unpriced_records, sum.cost_micro_units), (3, 2, Some(0)));
    }
}

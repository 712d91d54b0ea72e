//! The tiers that exist, by rising ability, with what each can hold.

use protocol::vocabulary::Tier;
use serde::Deserialize;
use thiserror::Error;

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierSpec {
    /// Its name; its worker queue is `task.ready.<tier>`.
    pub tier: Tier,
    /// Tokens its models can hold at all.
    pub context_window: u64,
    /// Tokens up to which they are known to work well, the answer included.
    pub safe_working_limit: u64,
    /// Its models, best first.
    #[serde(default)]
    pub models: Vec<String>,
}

impl TierSpec {
    /// A tier without named models.
    #[must_use]
    pub const fn new(tier: Tier, context_window: u64, safe_working_limit: u64) -> Self {
        Self { tier, context_window, safe_working_limit, models: Vec::new() }
    }
}

/// Why a list of tiers cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidTierTable {
    /// Nothing to route to.
    #[error("no tier is configured")]
    Empty,
    /// Named twice.
    #[error("tier {0} is configured twice")]
    Repeated(Tier),
    /// Its name cannot be the last word of a routing key.
    #[error("{0:?} cannot be the name of a tier: use letters, digits, '-' and '_'")]
    Name(String),
    /// The safe limit is zero or beyond the window.
    #[error("tier {0}: safe_working_limit must be between 1 and context_window")]
    Limit(Tier),
}

/// A non-empty list of distinct tiers, weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierTable {
    lowest: TierSpec,
    higher: Vec<TierSpec>,
}

impl TierTable {
    /// Checks and wraps `specs`, weakest first.
    ///
    /// # Errors
    /// The first rule that the list breaks.
    pub fn new(specs: Vec<TierSpec>) -> Result<Self, InvalidTierTable> {
        let mut seen: Vec<&Tier> = Vec::with_capacity(specs.len());
        for spec in &specs {
            let name = spec.tier.as_str();
            let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 64 || !name.chars().all(is_word) {
                return Err(InvalidTierTable::Name(name.to_owned()));
            }
            if seen.contains(&&spec.tier) {
                return Err(InvalidTierTable::Repeated(spec.tier.clone()));
            }
            if spec.safe_working_limit == 0 || spec.safe_working_limit > spec.context_window {
                return Err(InvalidTierTable::Limit(spec.tier.clone()));
            }
            seen.push(&spec.tier);
        }
        let mut specs = specs.into_iter();
        let lowest = specs.next().ok_or(InvalidTierTable::Empty)?;
        Ok(Self { lowest, higher: specs.collect() })
    }

    /// All tiers, weakest first.
    pub fn iter(&self) -> impl Iterator<Item = &TierSpec> {
        std::iter::once(&self.lowest).chain(&self.higher)
    }

    /// The weakest tier.
    #[must_use]
    pub const fn lowest(&self) -> &TierSpec {
        &self.lowest
    }

    /// The tier of that name.
    #[must_use]
    pub fn get(&self, tier: &Tier) -> Option<&TierSpec> {
        self.iter().find(|spec| spec.tier == *tier)
    }

    /// How able a tier is, 0 for the weakest; `None` for one that does not exist here.
    #[must_use]
    pub fn rank(&self, tier: &Tier) -> Option<usize> {
        self.iter().position(|spec| spec.tier == *tier)
    }

    /// That tier and the abler ones, weakest first; nothing for a tier that does not exist here.
    pub fn from(&self, tier: &Tier) -> impl Iterator<Item = &TierSpec> {
        self.iter().skip(self.rank(tier).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_tables_are_refused_with_the_reason() {
        let spec = |tier: &str, window, limit| TierSpec::new(Tier::from(tier), window, limit);
        let refused = |specs| TierTable::new(specs).unwrap_err().to_string();
        assert_eq!(refused(vec![]), "no tier is configured");
        assert_eq!(refused(vec![spec("a", 2, 1), spec("a", 2, 1)]), "tier a is configured twice");
        assert_eq!(
            refused(vec![spec("a", 2, 3)]),
            "tier a: safe_working_limit must be between 1 and context_window"
        );
        assert!(refused(vec![spec("a.b", 2, 1)]).contains("cannot be the name of a tier"));
    }

    #[test]
    fn from_gives_a_tier_and_those_above_it() {
        let spec = |tier: &str| TierSpec::new(Tier::from(tier), 2, 1);
        let table = TierTable::new(vec![spec("tiny"), spec("medium"), spec("large")]).unwrap();
        let names = |tier: &str| -> Vec<_> {
            table.from(&Tier::from(tier)).map(|spec| spec.tier.to_string()).collect()
        };
        assert_eq!(names("medium"), ["medium", "large"]);
        assert!(names("huge").is_empty());
    }
}

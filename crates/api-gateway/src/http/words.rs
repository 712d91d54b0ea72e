//! Words that settings add to the contract's: a client may use them wherever a tier is asked for.

use protocol::vocabulary::Tier;

/// What this installation knows besides the contract; part of the application's data.
#[derive(Debug, Clone)]
pub(crate) struct ConfiguredWords {
    tiers: Vec<Tier>,
}

impl ConfiguredWords {
    /// The tiers by rising ability.
    pub(crate) fn new(tiers: Vec<Tier>) -> Self {
        Self { tiers }
    }

    /// The tiers that tasks can go to.
    pub(crate) fn tiers(&self) -> Vec<&str> {
        self.tiers.iter().map(Tier::as_str).collect()
    }
}

impl Default for ConfiguredWords {
    fn default() -> Self {
        Self::new(Tier::STANDARD.to_vec())
    }
}

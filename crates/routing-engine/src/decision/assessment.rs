//! What the analysis of a task found, whoever made it.

use protocol::events::Analyzer;
use protocol::vocabulary::{Domain, QaProfile, Tier, WorkMode};

/// A tier that somebody proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSuggestion {
    /// The proposal; may be a word that no tier of ours has.
    pub tier: Tier,
    /// Who proposes it, as it reads in a reason: "the rules".
    pub by: &'static str,
}

impl TierSuggestion {
    /// A proposal with its author.
    #[must_use]
    pub const fn new(tier: Tier, by: &'static str) -> Self {
        Self { tier, by }
    }
}

/// Analysis and estimate in one.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Who made it.
    pub analyzer: Analyzer,
    /// What kind of knowledge the task needs; may be unknown to us.
    pub domain: Domain,
    /// What it does to the project.
    pub mode: WorkMode,
    /// Whether it should be split, if the task allows that.
    pub needs_decomposition: bool,
    /// Proposed tiers, best first. The first that exists is taken.
    pub tiers: Vec<TierSuggestion>,
    /// Tokens the work is expected to take, the answer included.
    pub estimated_tokens: Option<u64>,
    /// 0 to 1, where known.
    pub confidence: Option<f64>,
    /// How the output should be judged, where it has an opinion.
    pub qa_profile: Option<QaProfile>,
    /// Every step, in words.
    pub reasons: Vec<String>,
    /// Whether something had to be replaced by its fallback.
    pub fallback: bool,
}

//! The rules file as types, and what must hold for it to be used.

use std::collections::BTreeMap;

use config::{Config, File, FileFormat};
use protocol::vocabulary::{Domain, QaProfile, Tier, WorkMode};
use serde::Deserialize;
use thiserror::Error;

use super::keywords::Keywords;
use crate::decision::{TierTable, TokenRules};

/// Why a rules file cannot be used.
#[derive(Debug, Error)]
pub enum RulesError {
    /// Not YAML, or not of the right shape.
    #[error("{0}")]
    Shape(#[from] config::ConfigError),
    /// Of the right shape, but with a member that makes no sense.
    #[error("{member}: {problem}")]
    Member {
        /// Where in the file.
        member: String,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesFile {
    pub(super) fallback: Fallback,
    pub(super) domain_threshold: i32,
    pub(super) domains: Vec<DomainRule>,
    pub(super) modes: Vec<ModeRule>,
    pub(super) complexity: Complexity,
    pub(super) qa_profiles: Vec<QaProfileRule>,
    pub(super) tokens: TokenRules,
    pub(super) decomposition: Decomposition,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fallback {
    pub(super) domain: Domain,
    pub(super) tier: Tier,
    pub(super) mode: WorkMode,
    pub(super) base_points: i32,
    pub(super) confidence: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DomainRule {
    pub(super) domain: Domain,
    pub(super) base_points: i32,
    pub(super) keywords: Keywords,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModeRule {
    pub(super) mode: WorkMode,
    pub(super) keywords: Keywords,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Complexity {
    pub(super) tiers: Vec<TierStep>,
    pub(super) sizes: Vec<SizeStep>,
    pub(super) keywords: Keywords,
    pub(super) words: BTreeMap<String, Tier>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TierStep {
    pub(super) tier: Tier,
    pub(super) from_points: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SizeStep {
    pub(super) from_tokens: u64,
    pub(super) points: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QaProfileRule {
    pub(super) qa_profile: QaProfile,
    /// Together with the keywords, or not at all.
    #[serde(default)]
    pub(super) from_points: Option<i32>,
    #[serde(default)]
    pub(super) keywords: Keywords,
    #[serde(default)]
    pub(super) domains: Vec<Domain>,
    #[serde(default)]
    pub(super) modes: Vec<WorkMode>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decomposition {
    pub(super) minimum_parts: usize,
}

impl RulesFile {
    pub(super) fn read(yaml: &str, tiers: &TierTable) -> Result<Self, RulesError> {
        let source = Config::builder().add_source(File::from_str(yaml, FileFormat::Yaml)).build()?;
        let file: Self = source.try_deserialize()?;
        file.check_tiers(tiers)?;
        file.check_steps()?;
        file.check_keywords()?;
        file.check_figures()?;
        Ok(file)
    }

    /// Every tier that the rules can choose must exist, or their choice would lead nowhere.
    fn check_tiers(&self, tiers: &TierTable) -> Result<(), RulesError> {
        let steps = self.complexity.tiers.iter().map(|step| ("complexity.tiers", &step.tier));
        let words = self.complexity.words.values().map(|tier| ("complexity.words", tier));
        let all = [("fallback.tier", &self.fallback.tier)].into_iter().chain(steps).chain(words);
        for (member, tier) in all {
            require(tiers.get(tier).is_some(), member, || {
                format!("tier {tier:?} is not one of routing.tiers", tier = tier.as_str())
            })?;
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), RulesError> {
        let rising_points =
            self.complexity.tiers.is_sorted_by(|low, high| low.from_points < high.from_points);
        require(rising_points, "complexity.tiers", || "from_points must rise from tier to tier".to_owned())?;
        let rising_tokens =
            self.complexity.sizes.is_sorted_by(|low, high| low.from_tokens < high.from_tokens);
        require(rising_tokens, "complexity.sizes", || "from_tokens must rise from step to step".to_owned())
    }

    fn check_keywords(&self) -> Result<(), RulesError> {
        let domains = self.domains.iter().map(|rule| (format!("domains[{}]", rule.domain), &rule.keywords));
        let modes = self.modes.iter().map(|rule| (format!("modes[{}]", rule.mode), &rule.keywords));
        for (member, keywords) in domains.chain(modes) {
            require(!keywords.is_empty(), &member, || "has no keywords".to_owned())?;
            require(keywords.first_empty().is_none(), &member, || empty_keyword(keywords))?;
        }
        let keywords = &self.complexity.keywords;
        require(keywords.first_empty().is_none(), "complexity.keywords", || empty_keyword(keywords))?;
        for rule in &self.qa_profiles {
            let member = format!("qa_profiles[{}]", rule.qa_profile);
            require(rule.keywords.first_empty().is_none(), &member, || empty_keyword(&rule.keywords))?;
            let complete = match rule.from_points {
                Some(points) => points > 0 && !rule.keywords.is_empty(),
                None => rule.keywords.is_empty(),
            };
            require(complete, &member, || {
                "keywords need from_points above 0, and the other way round".to_owned()
            })?;
            let reachable = rule.from_points.is_some() || !rule.domains.is_empty() || !rule.modes.is_empty();
            require(reachable, &member, || "needs keywords, domains or modes".to_owned())?;
        }
        Ok(())
    }

    fn check_figures(&self) -> Result<(), RulesError> {
        let confidence_fits = (0.0..=1.0).contains(&self.fallback.confidence);
        require(confidence_fits, "fallback.confidence", || "must be between 0 and 1".to_owned())?;
        let divisor_fits = self.tokens.ascii_characters_per_token > 0;
        require(divisor_fits, "tokens.ascii_characters_per_token", || "must be above 0".to_owned())?;
        let parts_fit = self.decomposition.minimum_parts >= 2;
        require(parts_fit, "decomposition.minimum_parts", || "must be at least 2".to_owned())
    }
}

fn empty_keyword(keywords: &Keywords) -> String {
    format!("keyword {:?} has no word in it", keywords.first_empty().unwrap_or_default())
}

fn require(holds: bool, member: &str, problem: impl FnOnce() -> String) -> Result<(), RulesError> {
    if holds { Ok(()) } else { Err(RulesError::Member { member: member.to_owned(), problem: problem() }) }
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT_RULES;
    use super::*;
    use crate::settings::default_tiers;

    fn refused(change: (&str, &str)) -> String {
        assert!(DEFAULT_RULES.contains(change.0), "the default rules no longer have {:?}", change.0);
        let changed = DEFAULT_RULES.replacen(change.0, change.1, 1);
        RulesFile::read(&changed, &default_tiers()).unwrap_err().to_string()
    }

    #[test]
    fn the_default_rules_know_every_domain_and_mode() {
        let file = RulesFile::read(DEFAULT_RULES, &default_tiers()).unwrap();
        let domains: Vec<_> = file.domains.iter().map(|rule| rule.domain.as_str()).collect();
        for &word in Domain::WORDS {
            assert!(domains.contains(&word), "{word}");
        }
        let modes: Vec<_> = file.modes.iter().map(|rule| rule.mode.as_str()).collect();
        for &word in WorkMode::WORDS {
            assert!(word == "unknown" || modes.contains(&word), "{word}");
        }
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused_by_member() {
        assert!(
            refused(("  tier: small\n", "  tier: huge\n")).contains("\"huge\" is not one of routing.tiers")
        );
        assert!(refused(("minimum_parts: 2", "minimum_parts: 1")).contains("decomposition.minimum_parts: "));
        assert!(refused(("opencv,", "\"--\", opencv,")).contains("keyword \"--\" has no word in it"));
        assert!(refused(("domain_threshold:", "domain_treshold:")).contains("domain_treshold"));
    }

    #[test]
    fn something_that_is_not_yaml_is_refused() {
        assert!(RulesFile::read("a: [", &default_tiers()).is_err());
        assert!(RulesFile::read("", &default_tiers()).is_err());
    }
}

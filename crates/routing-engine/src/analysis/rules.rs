//! The built-in analysis: keywords and size, from a YAML file that users can read and replace.
//! Rule kept here: the same text gets the same answer for as long as the file is the same.

mod file;
mod keywords;
mod words;

pub use file::RulesError;

use protocol::events::Analyzer;
use protocol::vocabulary::{Domain, QaProfile, Tier, WorkMode};

use crate::decision::{Assessment, TierSuggestion, TierTable, TokenRules, parts_of};
use file::RulesFile;
use keywords::{Points, Score, best};
use words::Words;

/// The rules file that is used when settings name no other.
pub const DEFAULT_RULES: &str = include_str!("../../rules.yaml");

/// A rules file, checked and ready.
#[derive(Debug)]
pub struct Rules {
    file: RulesFile,
}

/// What the rules found out about one aspect, with the reason.
struct Finding<T> {
    value: T,
    reason: String,
    confidence: f64,
}

impl Rules {
    /// Reads and checks the text of a rules file.
    ///
    /// # Errors
    /// Names the first member that cannot be used.
    pub fn read(yaml: &str, tiers: &TierTable) -> Result<Self, RulesError> {
        RulesFile::read(yaml, tiers).map(|file| Self { file })
    }

    /// How sizes are guessed.
    #[must_use]
    pub const fn tokens(&self) -> &TokenRules {
        &self.file.tokens
    }

    /// The tier for a word of complexity such as "medium"; `None` for a word the file does not list.
    #[must_use]
    pub fn tier_for_complexity(&self, word: &str) -> Option<Tier> {
        self.file.complexity.words.get(word).cloned()
    }

    /// Whether a list of that many items is worth splitting along.
    #[must_use]
    pub const fn accepts_parts(&self, count: usize) -> bool {
        count >= self.file.decomposition.minimum_parts
    }

    /// What the description is about. A domain given by the task is not looked for.
    #[must_use]
    pub fn assess(&self, description: &str, domain: Option<&Domain>) -> Assessment {
        let lower_case = description.to_lowercase();
        let words = Words::of(&lower_case);
        let description_tokens = self.file.tokens.count(description);
        let found_domain = domain.is_none().then(|| self.find_domain(&words));
        let domain = domain.or(found_domain.as_ref().map(|found| &found.value));
        let domain = domain.cloned().unwrap_or_else(|| self.file.fallback.domain.clone());
        let mode = self.find_mode(&words);
        let tier = self.find_tier(&words, &domain, description_tokens);
        let qa_profile = self.find_qa_profile(&words, &domain, &mode.value);
        let parts = parts_of(description).len();

        let confidence = found_domain.as_ref().map_or(1.0, |found| found.confidence).min(mode.confidence);
        let mut reasons: Vec<String> = found_domain.into_iter().map(|found| found.reason).collect();
        reasons.extend([mode.reason, tier.reason]);
        reasons.extend(qa_profile.as_ref().map(|found| found.reason.clone()));
        Assessment {
            analyzer: Analyzer::Rules,
            domain,
            mode: mode.value,
            needs_decomposition: self.accepts_parts(parts),
            tiers: vec![TierSuggestion::new(tier.value, "the rules")],
            estimated_tokens: Some(self.file.tokens.work(description_tokens)),
            confidence: Some(confidence),
            qa_profile: qa_profile.map(|found| found.value),
            reasons,
            fallback: false,
        }
    }

    fn find_domain(&self, words: &Words<'_>) -> Finding<Domain> {
        let scores = self.file.domains.iter().map(|rule| (&rule.domain, rule.keywords.score(words)));
        match best(scores, self.file.domain_threshold) {
            Some(found) => Finding {
                value: found.choice.clone(),
                reason: format!("domain {}: {}", found.choice, found.score),
                confidence: found.share,
            },
            None => Finding {
                value: self.file.fallback.domain.clone(),
                reason: format!("domain {}: no keyword of any domain stands out", self.file.fallback.domain),
                confidence: self.file.fallback.confidence,
            },
        }
    }

    fn find_mode(&self, words: &Words<'_>) -> Finding<WorkMode> {
        let scores = self.file.modes.iter().map(|rule| (&rule.mode, rule.keywords.score(words)));
        match best(scores, 1) {
            Some(found) => Finding {
                value: found.choice.clone(),
                reason: format!("mode {}: {}", found.choice, found.score),
                confidence: found.share,
            },
            None => Finding {
                value: self.file.fallback.mode.clone(),
                reason: format!("mode {}: no keyword of any mode", self.file.fallback.mode),
                confidence: self.file.fallback.confidence,
            },
        }
    }

    /// Points for the domain, for the length and for what the words tell of difficulty; the ablest tier whose
    /// threshold they reach.
    fn find_tier(&self, words: &Words<'_>, domain: &Domain, description_tokens: u64) -> Finding<Tier> {
        let complexity = &self.file.complexity;
        let base = self
            .file
            .domains
            .iter()
            .find(|rule| rule.domain == *domain)
            .map_or(self.file.fallback.base_points, |rule| rule.base_points);
        let size = complexity
            .sizes
            .iter()
            .rev()
            .find(|step| description_tokens >= step.from_tokens)
            .map_or(0, |step| step.points);
        let difficulty = complexity.keywords.score(words);
        let points = base.saturating_add(size).saturating_add(difficulty.points);
        let tier = complexity
            .tiers
            .iter()
            .rev()
            .find(|step| points >= step.from_points)
            .map_or_else(|| self.file.fallback.tier.clone(), |step| step.tier.clone());
        let words = if difficulty.matched.is_empty() { String::new() } else { format!(", {difficulty}") };
        let reason = format!("tier {tier}: {} ({domain} {base}, length {size}{words})", Points(points));
        Finding { value: tier, reason, confidence: 1.0 }
    }

    /// The first profile in the file that any of its conditions leads to.
    fn find_qa_profile(
        &self,
        words: &Words<'_>,
        domain: &Domain,
        mode: &WorkMode,
    ) -> Option<Finding<QaProfile>> {
        self.file.qa_profiles.iter().find_map(|rule| {
            let score: Score<'_> = rule.keywords.score(words);
            let why = if rule.from_points.is_some_and(|points| score.points >= points) {
                score.to_string()
            } else if rule.domains.contains(domain) {
                format!("the domain is {domain}")
            } else if rule.modes.contains(mode) {
                format!("the mode is {mode}")
            } else {
                return None;
            };
            let reason = format!("qa profile {}: {why}", rule.qa_profile);
            Some(Finding { value: rule.qa_profile.clone(), reason, confidence: 1.0 })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::default_tiers;

    fn rules() -> Rules {
        Rules::read(DEFAULT_RULES, &default_tiers()).unwrap()
    }

    #[test]
    fn a_pinned_domain_is_not_looked_for_but_its_base_points_count() {
        let assessment = rules().assess("Write a user guide", Some(&Domain::Architecture));
        assert_eq!(assessment.domain, Domain::Architecture);
        assert!(!assessment.reasons.iter().any(|reason| reason.starts_with("domain ")));
    }

    #[test]
    fn a_text_without_any_keyword_gets_the_fallback_and_says_so() {
        let assessment = rules().assess("Lorem ipsum dolor sit amet", None);
        assert_eq!(assessment.domain, Domain::CodeGeneral);
        assert_eq!(assessment.mode, WorkMode::Unknown);
        assert_eq!(assessment.reasons[0], "domain code-general: no keyword of any domain stands out");
    }

    #[test]
    fn a_list_in_the_description_is_a_reason_to_split() {
        assert!(rules().assess("Do:\n1. this\n2. that", None).needs_decomposition);
        assert!(!rules().assess("Do:\n1. this", None).needs_decomposition);
    }

    #[test]
    fn words_of_complexity_lead_to_tiers() {
        assert_eq!(rules().tier_for_complexity("medium"), Some(Tier::Small));
        assert_eq!(rules().tier_for_complexity("high"), Some(Tier::Large));
        assert_eq!(rules().tier_for_complexity("absurd"), None);
    }
}

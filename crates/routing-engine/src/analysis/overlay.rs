//! Laying what the Agent Service said over what the rules say: every member it left out, or gave as something
//! unusable, keeps the rules' value, and the reasons tell which.

use protocol::events::Analyzer;
use protocol::vocabulary::{Domain, QaProfile, Tier, WorkMode};

use super::agent_service::{AnalysisAnswer, Answers, EstimateAnswer};
use super::rules::Rules;
use crate::decision::{Assessment, TierSuggestion, TierTable};
use crate::measurements;

const SERVICE: &str = "the Agent Service";

/// The rules' assessment with everything replaced that the service answered.
pub(super) fn combine(
    by_rules: Assessment,
    answers: Answers,
    rules: &Rules,
    tiers: &TierTable,
) -> Assessment {
    let rules_reasons = by_rules.reasons.clone();
    let mut assessment = Assessment { analyzer: Analyzer::AgentService, reasons: Vec::new(), ..by_rules };
    let complexity = answers.analysis.complexity.clone();
    let analysed_qa = answers.analysis.qa_profile.clone();
    let profile_by_rules = assessment.qa_profile.take();
    take_analysis(&mut assessment, answers.analysis);
    match answers.estimate {
        Ok(estimate) => take_estimate(&mut assessment, estimate, rules, tiers),
        Err(error) => {
            measurements::fell_back("estimate");
            assessment.fallback = true;
            assessment.reasons.push(format!("no estimate from {SERVICE} ({error})"));
            assessment.confidence = None;
            assessment.qa_profile = profile_by_rules;
        }
    }
    if let Some(word) = analysed_qa {
        assessment.reasons.push(format!("qa profile {word}: {SERVICE}"));
        assessment.qa_profile = Some(QaProfile::from(word));
    }
    if let Some(tier) = complexity.as_deref().and_then(|word| rules.tier_for_complexity(word)) {
        let after_recommendation = assessment.tiers.len().saturating_sub(1);
        assessment
            .tiers
            .insert(after_recommendation, TierSuggestion::new(tier, "the complexity that was analysed"));
    }
    if assessment.fallback {
        assessment.reasons.extend(rules_reasons);
    }
    assessment
}

fn take_analysis(assessment: &mut Assessment, answer: AnalysisAnswer) {
    match answer.domain {
        Some(word) => {
            assessment.reasons.push(format!("domain {word}: {SERVICE}"));
            assessment.domain = Domain::from(word);
        }
        None => left_out(assessment, "domain"),
    }
    match answer.mode {
        Some(word) => {
            assessment.reasons.push(format!("mode {word}: {SERVICE}"));
            assessment.mode = WorkMode::from(word);
        }
        None => left_out(assessment, "mode"),
    }
    if let Some(needs_decomposition) = answer.needs_decomposition {
        assessment.needs_decomposition = needs_decomposition;
    }
}

fn take_estimate(assessment: &mut Assessment, answer: EstimateAnswer, rules: &Rules, tiers: &TierTable) {
    match answer.recommended_tier {
        Some(word) => {
            let mut tier = Tier::from(word.as_str());
            // "medium" and its kind name a complexity; some estimators give it where a tier is asked for.
            if let (None, Some(meant)) = (tiers.rank(&tier), rules.tier_for_complexity(&word)) {
                assessment.reasons.push(format!("{SERVICE} recommends {word:?}, taken for tier {meant}"));
                tier = meant;
            }
            assessment.tiers.insert(0, TierSuggestion::new(tier, SERVICE));
        }
        None => left_out(assessment, "tier"),
    }
    match answer.estimated_tokens {
        Some(tokens) => assessment.estimated_tokens = Some(tokens),
        None => left_out(assessment, "token estimate"),
    }
    assessment.confidence = answer.confidence;
    assessment.qa_profile = answer.qa_profile.map(|word| {
        assessment.reasons.push(format!("qa profile {word}: {SERVICE}"));
        QaProfile::from(word)
    });
}

fn left_out(assessment: &mut Assessment, what: &str) {
    assessment.fallback = true;
    assessment.reasons.push(format!("{SERVICE} gave no usable {what}; the rules' one is taken"));
}

//! The pure core: task, assessment and tier table in, decision out. No I/O, no clock, no chance: the same input
//! always gives the same answer, so that a redelivered task is routed the same way again.
//! Rule kept here: a pin beats everything, the minimum tier beats the assessment, and no tier's safe limit is exceeded.

mod assessment;
mod splitting;
mod tier_choice;
mod tier_table;
mod tokens;
mod window;

pub use assessment::{Assessment, TierSuggestion};
pub use splitting::parts_of;
pub use tier_table::{InvalidTierTable, TierSpec, TierTable};
pub use tokens::TokenRules;
pub use window::TooLarge;

use protocol::events::{Analyzer, Context, Routing, TaskOptions};
use protocol::vocabulary::{Domain, QaProfile, Tier, WorkMode};

/// What of a task matters for its way.
#[derive(Debug, Clone, Copy)]
pub struct TaskView<'a> {
    /// What the submitter asked for.
    pub options: &'a TaskOptions,
    /// Lowest tier allowed after repeated rejections below it.
    pub minimum_tier: Option<&'a Tier>,
    /// Tokens of the description alone.
    pub description_tokens: u64,
    /// Tokens of everything else that goes along: feedback, constitution, inputs.
    pub carried_tokens: u64,
}

/// Where a task goes, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What kind of knowledge it needs.
    pub domain: Domain,
    /// Which models may do it.
    pub tier: Tier,
    /// What it does to the project.
    pub mode: WorkMode,
    /// How its output is judged.
    pub qa_profile: QaProfile,
    /// Models of the tier, best first.
    pub model_candidates: Vec<String>,
    /// What the worker is given along.
    pub context: Context,
    /// Who decided.
    pub analyzer: Analyzer,
    /// Every step, in words.
    pub reasons: Vec<String>,
    /// 0 to 1, where known.
    pub confidence: Option<f64>,
    /// Tokens without context.
    pub task_tokens: u64,
    /// Whether something had to be replaced by its fallback.
    pub fallback: bool,
}

/// Decides without context: what fits is asked of [`Decision::context_room`] afterwards.
///
/// # Errors
/// [`TooLarge`] if no tier that the task may go to can hold it.
pub fn decide(task: &TaskView<'_>, assessment: Assessment, tiers: &TierTable) -> Result<Decision, TooLarge> {
    let mut reasons = assessment.reasons;
    let mut fallback = assessment.fallback;
    let domain = match &task.options.domain {
        Some(pinned) => {
            reasons.push(format!("domain {pinned}: pinned by the task"));
            pinned.clone()
        }
        None => assessment.domain,
    };
    if !domain.is_known() {
        reasons.push(format!("domain {domain} is not known here; its tier is chosen as for any other work"));
        fallback = true;
    }
    if !assessment.mode.is_known() {
        reasons.push(format!("mode {} is not known here; handed on as it is", assessment.mode));
    }
    let choice = tier_choice::choose(task, &assessment.tiers, tiers);
    reasons.extend(choice.reasons);
    fallback |= choice.fallback;

    let task_tokens = assessment
        .estimated_tokens
        .unwrap_or(task.description_tokens)
        .max(task.description_tokens)
        .saturating_add(task.carried_tokens);
    let spec = window::tier_that_holds(task_tokens, &choice.tier, choice.pinned, tiers)?;
    if spec.tier != choice.tier {
        reasons.push(format!(
            "tier {}: about {task_tokens} tokens are more than the safe limit of {}",
            spec.tier, choice.tier
        ));
    }
    Ok(Decision {
        domain,
        tier: spec.tier.clone(),
        mode: assessment.mode,
        qa_profile: choose_qa_profile(task, assessment.qa_profile, &mut reasons),
        model_candidates: spec.models.clone(),
        context: Context::default(),
        analyzer: assessment.analyzer,
        reasons,
        confidence: assessment.confidence,
        task_tokens,
        fallback,
    })
}

fn choose_qa_profile(
    task: &TaskView<'_>,
    assessed: Option<QaProfile>,
    reasons: &mut Vec<String>,
) -> QaProfile {
    let chosen = match (&task.options.qa_profile, assessed) {
        (Some(wanted), _) => {
            reasons.push(format!("qa profile {wanted}: asked for by the task"));
            wanted.clone()
        }
        (None, Some(assessed)) => assessed,
        (None, None) => QaProfile::Consensus,
    };
    if !chosen.is_known() {
        reasons.push(format!("qa profile {chosen} is not known here; handed on as it is"));
    }
    chosen
}

impl Decision {
    /// Tokens of context that the tier can take beside the task itself.
    #[must_use]
    pub fn context_room(&self, tiers: &TierTable) -> u64 {
        tiers.get(&self.tier).map_or(0, |spec| spec.safe_working_limit.saturating_sub(self.task_tokens))
    }

    /// The same decision with as much of `context` as the tier can take.
    #[must_use]
    pub fn with_context(mut self, context: Context, tiers: &TierTable) -> Self {
        let fitted = window::fit(context, self.context_room(tiers));
        self.reasons.extend(fitted.reason);
        self.context = fitted.context;
        self
    }

    /// Notes a step that could not be done as configured.
    pub fn note_fallback(&mut self, reason: String) {
        self.reasons.push(reason);
        self.fallback = true;
    }

    /// What is kept on the task of how it was decided.
    #[must_use]
    pub fn routing(&self) -> Routing {
        Routing {
            analyzer: self.analyzer,
            reasons: self.reasons.clone(),
            confidence: self.confidence,
            estimated_tokens: Some(self.task_tokens.saturating_add(self.context.tokens_used)),
            fallback: self.fallback,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers() -> TierTable {
        TierTable::new(vec![
            TierSpec::new(Tier::Tiny, 32_000, 22_000),
            TierSpec::new(Tier::Small, 32_000, 22_000),
            TierSpec::new(Tier::Large, 64_000, 45_000),
            TierSpec::new(Tier::Frontier, 200_000, 140_000),
        ])
        .unwrap()
    }

    fn assessment(tier: Tier) -> Assessment {
        Assessment {
            analyzer: Analyzer::Rules,
            domain: Domain::CodeGeneral,
            mode: WorkMode::Modify,
            needs_decomposition: false,
            tiers: vec![TierSuggestion::new(tier, "the rules")],
            estimated_tokens: None,
            confidence: None,
            qa_profile: None,
            reasons: Vec::new(),
            fallback: false,
        }
    }

    fn view(options: &TaskOptions) -> TaskView<'_> {
        TaskView { options, minimum_tier: None, description_tokens: 100, carried_tokens: 0 }
    }

    #[test]
    fn a_task_that_is_too_big_for_its_tier_goes_to_the_next_one_that_holds_it() {
        let options = TaskOptions::default();
        let task = TaskView { carried_tokens: 30_000, ..view(&options) };
        let decision = decide(&task, assessment(Tier::Tiny), &tiers()).unwrap();
        assert_eq!(decision.tier, Tier::Large);
        assert_eq!(
            decision.reasons.last().unwrap(),
            "tier large: about 30100 tokens are more than the safe limit of tiny"
        );
    }

    #[test]
    fn a_task_that_no_tier_holds_is_refused() {
        let options = TaskOptions::default();
        let task = TaskView { carried_tokens: 200_000, ..view(&options) };
        let error = decide(&task, assessment(Tier::Tiny), &tiers()).unwrap_err();
        assert_eq!((error.tokens, error.limit), (200_100, 140_000));
    }

    #[test]
    fn a_pinned_tier_is_kept_or_the_task_is_refused() {
        let options = TaskOptions { tier: Some(Tier::Tiny), ..TaskOptions::default() };
        let minimum = Tier::Frontier;
        let task = TaskView { minimum_tier: Some(&minimum), ..view(&options) };
        assert_eq!(decide(&task, assessment(Tier::Large), &tiers()).unwrap().tier, Tier::Tiny);
        let task = TaskView { carried_tokens: 30_000, ..task };
        assert_eq!(decide(&task, assessment(Tier::Large), &tiers()).unwrap_err().limit, 22_000);
    }

    #[test]
    fn the_qa_profile_comes_from_the_task_then_the_assessment_then_is_consensus() {
        let none = TaskOptions::default();
        let human = TaskOptions { qa_profile: Some(QaProfile::Human), ..TaskOptions::default() };
        let security = Assessment { qa_profile: Some(QaProfile::Security), ..assessment(Tier::Tiny) };
        let profile = |options, assessment| decide(&view(options), assessment, &tiers()).unwrap().qa_profile;
        assert_eq!(profile(&human, security.clone()), QaProfile::Human);
        assert_eq!(profile(&none, security), QaProfile::Security);
        assert_eq!(profile(&none, assessment(Tier::Tiny)), QaProfile::Consensus);
    }

    #[test]
    fn an_unknown_domain_is_kept_as_text_and_told_as_fallback() {
        let options = TaskOptions::default();
        let assessment = Assessment { domain: Domain::from("quantum"), ..assessment(Tier::Small) };
        let decision = decide(&view(&options), assessment, &tiers()).unwrap();
        assert_eq!(decision.domain.as_str(), "quantum");
        assert!(decision.fallback);
    }

    #[test]
    fn an_estimate_below_the_size_of_the_text_itself_is_not_believed() {
        let options = TaskOptions::default();
        let task = TaskView { description_tokens: 25_000, ..view(&options) };
        let assessment = Assessment { estimated_tokens: Some(3), ..assessment(Tier::Small) };
        assert_eq!(decide(&task, assessment, &tiers()).unwrap().tier, Tier::Large);
    }
}

//! Which tier a task starts from, before its size is looked at: pin, else the first suggestion that exists,
//! lifted to the minimum tier.

use protocol::vocabulary::Tier;

use super::{TaskView, TierSuggestion, TierTable};

/// The chosen tier, which always exists in the table.
pub(super) struct TierChoice {
    pub(super) tier: Tier,
    pub(super) pinned: bool,
    pub(super) reasons: Vec<String>,
    pub(super) fallback: bool,
}

pub(super) fn choose(task: &TaskView<'_>, suggestions: &[TierSuggestion], tiers: &TierTable) -> TierChoice {
    let mut reasons = Vec::new();
    let mut fallback = false;
    if let Some(pinned) = &task.options.tier {
        if tiers.get(pinned).is_some() {
            reasons.push(format!("tier {pinned}: pinned by the task"));
            return TierChoice { tier: pinned.clone(), pinned: true, reasons, fallback };
        }
        reasons.push(format!("pinned tier {pinned} does not exist here; chosen as if it were not pinned"));
        fallback = true;
    }
    let mut chosen = None;
    for suggestion in suggestions {
        if tiers.get(&suggestion.tier).is_some() {
            reasons.push(format!("tier {}: proposed by {}", suggestion.tier, suggestion.by));
            chosen = Some(suggestion.tier.clone());
            break;
        }
        reasons.push(format!(
            "tier {} proposed by {} does not exist here; passed over",
            suggestion.tier, suggestion.by
        ));
        fallback = true;
    }
    let tier = chosen.unwrap_or_else(|| {
        let lowest = &tiers.lowest().tier;
        reasons.push(format!("tier {lowest}: the weakest, since nobody proposed one that exists"));
        fallback = true;
        lowest.clone()
    });
    let tier = lift(tier, task.minimum_tier, tiers, &mut reasons);
    TierChoice { tier, pinned: false, reasons, fallback }
}

/// After repeated rejections a task may not go back to the tier that produced them.
fn lift(tier: Tier, minimum: Option<&Tier>, tiers: &TierTable, reasons: &mut Vec<String>) -> Tier {
    let Some(minimum) = minimum else { return tier };
    match (tiers.rank(minimum), tiers.rank(&tier)) {
        (None, _) => {
            reasons.push(format!("minimum tier {minimum} does not exist here; passed over"));
            tier
        }
        (Some(minimum_rank), Some(rank)) if minimum_rank > rank => {
            reasons.push(format!("tier {minimum}: the least allowed after earlier rejections"));
            minimum.clone()
        }
        _ => tier,
    }
}

#[cfg(test)]
mod tests {
    use protocol::events::TaskOptions;

    use super::*;
    use crate::decision::TierSpec;

    fn tiers() -> TierTable {
        TierTable::new(Tier::STANDARD.map(|tier| TierSpec::new(tier, 10, 5)).to_vec()).unwrap()
    }

    fn choose_with(options: &TaskOptions, minimum: Option<&Tier>, suggested: &[&str]) -> TierChoice {
        let task = TaskView { options, minimum_tier: minimum, description_tokens: 0, carried_tokens: 0 };
        let suggestions: Vec<_> =
            suggested.iter().map(|&word| TierSuggestion::new(Tier::from(word), "the rules")).collect();
        choose(&task, &suggestions, &tiers())
    }

    #[test]
    fn the_first_suggestion_that_exists_is_taken() {
        let choice = choose_with(&TaskOptions::default(), None, &["gigantic", "large", "tiny"]);
        assert_eq!(choice.tier, Tier::Large);
        assert!(choice.fallback);
        assert!(choice.reasons.iter().any(|reason| reason.contains("gigantic")));
    }

    #[test]
    fn a_minimum_tier_lifts_but_never_lowers() {
        let lifted = choose_with(&TaskOptions::default(), Some(&Tier::Large), &["small"]);
        assert_eq!(lifted.tier, Tier::Large);
        let kept = choose_with(&TaskOptions::default(), Some(&Tier::Small), &["frontier"]);
        assert_eq!(kept.tier, Tier::Frontier);
    }

    #[test]
    fn a_pinned_tier_that_does_not_exist_is_told_and_passed_over() {
        let options = TaskOptions { tier: Some(Tier::from("vast")), ..TaskOptions::default() };
        let choice = choose_with(&options, None, &["small"]);
        assert_eq!(choice.tier, Tier::Small);
        assert!(!choice.pinned && choice.fallback);
    }

    #[test]
    fn without_any_usable_suggestion_the_weakest_tier_is_taken() {
        let choice = choose_with(&TaskOptions::default(), None, &["medium"]);
        assert_eq!(choice.tier, Tier::Tiny);
        assert!(choice.fallback);
    }
}

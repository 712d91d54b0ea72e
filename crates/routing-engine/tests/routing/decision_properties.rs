//! What must hold for every task, assessment and tier table.

use proptest::prelude::*;
use protocol::ArtifactId;
use protocol::events::{Analyzer, Context, ContextSource, TaskOptions};
use protocol::vocabulary::{Domain, QaProfile, Tier, WorkMode};
use routing_engine::decision::{
    Assessment, Decision, TaskView, TierSpec, TierSuggestion, TierTable, TooLarge, decide, parts_of,
};

const WORDS: [&str; 6] = ["tiny", "small", "large", "frontier", "medium", "colossal"];

fn any_tier() -> impl Strategy<Value = Tier> {
    prop::sample::select(&WORDS[..]).prop_map(Tier::from)
}

fn any_table() -> impl Strategy<Value = TierTable> {
    (prop::sample::subsequence(&WORDS[..], 1..=6), prop::collection::vec(1_u64..50_000, 6)).prop_map(
        |(names, limits)| {
            let spec = |(name, limit): (&str, u64)| TierSpec::new(Tier::from(name), limit * 2, limit);
            TierTable::new(names.into_iter().zip(limits).map(spec).collect()).unwrap()
        },
    )
}

fn any_assessment() -> impl Strategy<Value = Assessment> {
    (prop::collection::vec(any_tier(), 0..3), prop::option::of(0_u64..100_000), any::<bool>()).prop_map(
        |(tiers, estimated_tokens, fallback)| Assessment {
            analyzer: Analyzer::Rules,
            domain: Domain::CodeGeneral,
            mode: WorkMode::Modify,
            needs_decomposition: false,
            tiers: tiers.into_iter().map(|tier| TierSuggestion::new(tier, "the rules")).collect(),
            estimated_tokens,
            confidence: None,
            qa_profile: Some(QaProfile::Testing),
            reasons: Vec::new(),
            fallback,
        },
    )
}

fn any_context() -> impl Strategy<Value = Context> {
    let source = (prop::option::of("[a-z]{0,40}"), prop::option::of(-1.0..1.0)).prop_map(
        |(snippet, relevance_score)| ContextSource {
            artifact_id: ArtifactId::new("a").unwrap(),
            provenance_id: None,
            relevance_score,
            snippet,
        },
    );
    (prop::collection::vec(source, 0..6), 0_u64..60_000).prop_map(|(sources, tokens_used)| Context {
        text: "text".to_owned(),
        sources,
        tokens_used,
    })
}

/// Everything a decision is made from.
#[derive(Debug, Clone)]
struct Case {
    options: TaskOptions,
    minimum_tier: Option<Tier>,
    description_tokens: u64,
    carried_tokens: u64,
    assessment: Assessment,
    table: TierTable,
    context: Context,
}

impl Case {
    fn decide(&self) -> Result<Decision, TooLarge> {
        let view = TaskView {
            options: &self.options,
            minimum_tier: self.minimum_tier.as_ref(),
            description_tokens: self.description_tokens,
            carried_tokens: self.carried_tokens,
        };
        decide(&view, self.assessment.clone(), &self.table)
            .map(|decision| decision.with_context(self.context.clone(), &self.table))
    }

    /// The pin, if it is one that can be followed.
    fn pin(&self) -> Option<&Tier> {
        self.options.tier.as_ref().filter(|tier| self.table.get(tier).is_some())
    }
}

fn any_case() -> impl Strategy<Value = Case> {
    let sizes = (0_u64..60_000, 0_u64..60_000);
    let wishes = (prop::option::of(any_tier()), prop::option::of(any_tier()));
    (wishes, sizes, any_assessment(), any_table(), any_context()).prop_map(
        |((pin, minimum_tier), (description_tokens, carried_tokens), assessment, table, context)| Case {
            options: TaskOptions { tier: pin, ..TaskOptions::default() },
            minimum_tier,
            description_tokens,
            carried_tokens,
            assessment,
            table,
            context,
        },
    )
}

proptest! {
    #[test]
    fn the_window_is_never_exceeded(case in any_case()) {
        if let Ok(decision) = case.decide() {
            let limit = case.table.get(&decision.tier).unwrap().safe_working_limit;
            let total = decision.routing().estimated_tokens.unwrap();
            prop_assert!(total <= limit, "{total} tokens for {limit}");
            prop_assert!(total >= case.description_tokens + case.carried_tokens);
        }
    }

    #[test]
    fn a_task_is_refused_only_if_no_tier_it_may_go_to_holds_it(case in any_case()) {
        if let Err(refused) = case.decide() {
            let allowed: Vec<_> = match (case.pin(), &case.minimum_tier) {
                (Some(pin), _) => vec![case.table.get(pin).unwrap()],
                (None, Some(minimum)) if case.table.get(minimum).is_some() => case.table.from(minimum).collect(),
                (None, _) => vec![case.table.iter().last().unwrap()],
            };
            prop_assert!(refused.tokens > refused.limit);
            prop_assert!(case.table.get(&refused.tier).is_some());
            prop_assert!(allowed.last().is_some_and(|spec| refused.tokens > spec.safe_working_limit));
        }
    }

    #[test]
    fn a_pin_is_kept_and_otherwise_the_minimum_tier_is(case in any_case()) {
        if let Ok(decision) = case.decide() {
            let rank = case.table.rank(&decision.tier);
            prop_assert!(rank.is_some(), "only tiers that exist are chosen");
            match (case.pin(), case.minimum_tier.as_ref().and_then(|tier| case.table.rank(tier))) {
                (Some(pin), _) => prop_assert_eq!(&decision.tier, pin),
                (None, Some(minimum)) => prop_assert!(rank.unwrap() >= minimum),
                (None, None) => {}
            }
        }
    }

    #[test]
    fn the_same_input_gives_the_same_decision(case in any_case()) {
        prop_assert_eq!(case.decide(), case.decide());
    }

    #[test]
    fn cutting_keeps_whole_sources_in_their_order(case in any_case()) {
        if let Ok(decision) = case.decide() {
            let mut given = case.context.sources.iter();
            for kept in &decision.context.sources {
                prop_assert!(given.any(|source| source == kept), "kept in order and unchanged");
            }
        }
    }

    #[test]
    fn parts_of_any_text_form_a_sound_plan(text in "(\\PC|\n){0,400}") {
        let parts = parts_of(&text);
        for (index, part) in parts.iter().enumerate() {
            prop_assert!(!part.description.trim().is_empty());
            prop_assert!(part.dependencies.iter().all(|id| parts[..index].iter().any(|earlier| earlier.id == *id)));
            prop_assert!(parts[..index].iter().all(|earlier| earlier.id != part.id));
        }
    }

    #[test]
    fn parts_of_lists_form_a_sound_plan(items in prop::collection::vec("(- |1\\. |  \\* |)[a-z ]{0,12}", 0..12)) {
        let parts = parts_of(&items.join("\n"));
        prop_assert!(parts.len() <= items.len());
        for (index, part) in parts.iter().enumerate() {
            prop_assert!(part.dependencies.iter().all(|id| parts[..index].iter().any(|earlier| earlier.id == *id)));
        }
    }
}

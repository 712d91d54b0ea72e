//! Whether a task fits into its tier's models. Context gives way first, whole sources at a time and the least
//! relevant first; what is too big without any context needs an abler tier.

use protocol::events::{Context, ContextSource};
use protocol::vocabulary::Tier;
use thiserror::Error;

use super::{TierSpec, TierTable};

/// A task that no tier it may go to can hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("about {tokens} tokens are more than the safe limit of tier {tier} ({limit}), {}", if *pinned { "to which the task is pinned" } else { "the largest there is" })]
pub struct TooLarge {
    /// Tokens of the task without any context.
    pub tokens: u64,
    /// The largest tier it may go to.
    pub tier: Tier,
    /// That tier's safe limit.
    pub limit: u64,
    /// Whether the task pins that tier.
    pub pinned: bool,
}

/// The weakest tier from `wanted` upwards whose safe limit holds `tokens`.
pub(super) fn tier_that_holds<'a>(
    tokens: u64,
    wanted: &Tier,
    pinned: bool,
    tiers: &'a TierTable,
) -> Result<&'a TierSpec, TooLarge> {
    let mut roomiest = tiers.get(wanted).unwrap_or_else(|| tiers.lowest());
    let allowed = if pinned { 1 } else { usize::MAX };
    for spec in tiers.from(wanted).take(allowed) {
        if tokens <= spec.safe_working_limit {
            return Ok(spec);
        }
        if spec.safe_working_limit > roomiest.safe_working_limit {
            roomiest = spec;
        }
    }
    Err(TooLarge { tokens, tier: roomiest.tier.clone(), limit: roomiest.safe_working_limit, pinned })
}

/// A context that fits, and what had to be done for it.
pub(super) struct Fitted {
    pub(super) context: Context,
    pub(super) reason: Option<String>,
}

/// Cuts `context` down to `room` tokens.
pub(super) fn fit(context: Context, room: u64) -> Fitted {
    if context.tokens_used <= room {
        return Fitted { context, reason: None };
    }
    let before = context.tokens_used;
    let sources_before = context.sources.len();
    let context = keep_most_relevant(context, room);
    let reason = if context.sources.is_empty() {
        format!("context left out: {before} tokens do not fit into the {room} that the tier has left")
    } else {
        format!(
            "context cut from {sources_before} to {} sources: the tier has {room} tokens left for it",
            context.sources.len()
        )
    };
    Fitted { context, reason: Some(reason) }
}

/// Sources with their text are what a context can be divided into. One that does not bring them cannot be
/// divided and goes as a whole.
fn keep_most_relevant(context: Context, room: u64) -> Context {
    let total_characters: usize = context.sources.iter().map(snippet_characters).sum();
    let divisible = total_characters > 0 && context.sources.iter().all(|source| source.snippet.is_some());
    if !divisible {
        return Context::default();
    }
    let mut by_relevance: Vec<(usize, ContextSource)> = context.sources.into_iter().enumerate().collect();
    by_relevance.sort_by(|(_, left), (_, right)| relevance(right).total_cmp(&relevance(left)));
    let mut used = 0_u64;
    let mut kept = Vec::new();
    for (position, source) in by_relevance {
        let tokens = share(context.tokens_used, snippet_characters(&source), total_characters);
        match used.checked_add(tokens) {
            Some(sum) if sum <= room => used = sum,
            // What is less relevant than a source that was cut is cut as well.
            _ => break,
        }
        kept.push((position, source));
    }
    kept.sort_by_key(|&(position, _)| position);
    let sources: Vec<ContextSource> = kept.into_iter().map(|(_, source)| source).collect();
    let snippets: Vec<&str> = sources.iter().filter_map(|source| source.snippet.as_deref()).collect();
    Context { text: snippets.join("\n\n"), tokens_used: used, sources }
}

fn snippet_characters(source: &ContextSource) -> usize {
    source.snippet.as_deref().map_or(0, |snippet| snippet.chars().count())
}

/// A source without a score is the first to go.
fn relevance(source: &ContextSource) -> f64 {
    source.relevance_score.unwrap_or(f64::NEG_INFINITY)
}

/// `part` of `whole` applied to `tokens`, rounded up so that the shares never add up to less than the whole.
fn share(tokens: u64, part: usize, whole: usize) -> u64 {
    let exact = u128::from(tokens) * part as u128;
    u64::try_from(exact.div_ceil((whole as u128).max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use protocol::ArtifactId;

    use super::*;

    fn source(id: &str, score: Option<f64>, snippet: Option<&str>) -> ContextSource {
        ContextSource {
            artifact_id: ArtifactId::new(id).unwrap(),
            provenance_id: None,
            relevance_score: score,
            snippet: snippet.map(str::to_owned),
        }
    }

    fn context(tokens_used: u64, sources: Vec<ContextSource>) -> Context {
        Context { text: "all of it".to_owned(), sources, tokens_used }
    }

    #[test]
    fn a_context_that_fits_is_left_alone() {
        let fitting = context(10, vec![source("a", None, None)]);
        let fitted = fit(fitting.clone(), 10);
        assert_eq!(fitted.context, fitting);
        assert_eq!(fitted.reason, None);
    }

    #[test]
    fn the_least_relevant_sources_go_first_and_the_rest_keeps_its_order() {
        let sources = vec![
            source("a", Some(0.5), Some("aaaa")),
            source("b", Some(0.1), Some("bbbb")),
            source("c", None, Some("cccc")),
            source("d", Some(0.9), Some("dddd")),
        ];
        let fitted = fit(context(40, sources), 25);
        let kept: Vec<_> = fitted.context.sources.iter().map(|source| source.artifact_id.as_str()).collect();
        assert_eq!(kept, ["a", "d"]);
        assert_eq!(fitted.context.text, "aaaa\n\ndddd");
        assert_eq!(fitted.context.tokens_used, 20);
        assert_eq!(
            fitted.reason.unwrap(),
            "context cut from 4 to 2 sources: the tier has 25 tokens left for it"
        );
    }

    #[test]
    fn a_context_that_cannot_be_divided_goes_as_a_whole() {
        let fitted = fit(context(40, vec![source("a", Some(1.0), None)]), 39);
        assert_eq!(fitted.context, Context::default());
        assert!(fitted.reason.unwrap().starts_with("context left out"));
    }
}

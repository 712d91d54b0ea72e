//! The RAG service's answer, read member by member; only the text itself has to be there.

use protocol::ArtifactId;
use protocol::events::{Context, ContextSource};
use serde_json::Value;

use crate::decision::TokenRules;

/// Reads the answer; `None` if it has no text. The size is our own count where the service told none, or told
/// less than its own text can have.
pub(super) fn read(answer: &Value, tokens: &TokenRules) -> Option<Context> {
    let text = answer.get("context")?.as_str()?.to_owned();
    let sources: Vec<ContextSource> = answer
        .get("sources")
        .and_then(Value::as_array)
        .map(|sources| sources.iter().filter_map(read_source).collect())
        .unwrap_or_default();
    let told = answer.get("tokens_used").and_then(Value::as_u64).unwrap_or_default();
    let tokens_used = told.max(tokens.count(&text));
    Some(Context { text, sources, tokens_used })
}

fn read_source(source: &Value) -> Option<ContextSource> {
    let text = |member: &str| source.get(member).and_then(Value::as_str).map(str::to_owned);
    Some(ContextSource {
        artifact_id: ArtifactId::new(text("artifact_id")?).ok()?,
        provenance_id: text("provenance_id"),
        relevance_score: source.get("relevance_score").and_then(Value::as_f64),
        snippet: text("snippet"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::analysis::rules::{DEFAULT_RULES, Rules};
    use crate::settings::default_tiers;

    fn read_with_defaults(answer: &Value) -> Option<Context> {
        read(answer, Rules::read(DEFAULT_RULES, &default_tiers()).unwrap().tokens())
    }

    #[test]
    fn only_the_text_has_to_be_there() {
        let context = read_with_defaults(&json!({"context": "four four"})).unwrap();
        assert_eq!((context.text.as_str(), context.tokens_used), ("four four", 3));
        for nothing in [json!({}), json!([]), json!({"context": null}), json!({"sources": []})] {
            assert_eq!(read_with_defaults(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_source_without_a_usable_id_is_left_out() {
        let context = read_with_defaults(&json!({
            "context": "x", "tokens_used": 40,
            "sources": [{"artifact_id": "a", "relevance_score": 0.5}, {"snippet": "s"}, {"artifact_id": ""}, 7]
        }))
        .unwrap();
        assert_eq!(context.sources.len(), 1);
        assert_eq!(context.tokens_used, 40);
    }

    #[test]
    fn a_size_below_that_of_the_text_is_not_believed() {
        let text = "word ".repeat(400);
        let context = read_with_defaults(&json!({"context": text, "tokens_used": 1})).unwrap();
        assert_eq!(context.tokens_used, 500);
    }
}

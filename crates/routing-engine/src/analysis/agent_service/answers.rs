//! The service's answers, read member by member: the models behind it get types and names wrong now and then, and
//! one unusable member must not cost the others.

use protocol::events::Subtask;
use protocol::vocabulary::{Domain, Tier};
use serde_json::Value;

/// Longest word taken for a value of a vocabulary.
const LONGEST_WORD: usize = 64;

/// What `/analyze` said; absent is what it left out or gave as something unusable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysisAnswer {
    /// What the task does to its project.
    pub mode: Option<String>,
    /// What kind of knowledge it needs.
    pub domain: Option<String>,
    /// Whether it should be split.
    pub needs_decomposition: Option<bool>,
    /// How hard it is, in the service's words.
    pub complexity: Option<String>,
    /// How to judge the output.
    pub qa_profile: Option<String>,
}

impl AnalysisAnswer {
    /// Reads the answer; `None` if it has neither domain nor mode, and so says nothing.
    #[must_use]
    pub fn read(answer: &Value) -> Option<Self> {
        let read = Self {
            mode: word(answer, "mode"),
            domain: word(answer, "domain"),
            needs_decomposition: answer.get("needs_decomposition").and_then(Value::as_bool),
            complexity: word(answer, "estimated_complexity").or_else(|| word(answer, "complexity")),
            qa_profile: word(answer, "qa_profile"),
        };
        (read.mode.is_some() || read.domain.is_some()).then_some(read)
    }
}

/// What `/estimate` said; absent is what it left out or gave as something unusable.
#[derive(Debug, Clone, PartialEq)]
pub struct EstimateAnswer {
    /// Which tier should do it.
    pub recommended_tier: Option<String>,
    /// Tokens the work is expected to take.
    pub estimated_tokens: Option<u64>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// How to judge the output.
    pub qa_profile: Option<String>,
}

impl EstimateAnswer {
    /// Reads the answer; `None` if it has neither tier nor tokens, and so says nothing.
    #[must_use]
    pub fn read(answer: &Value) -> Option<Self> {
        let read = Self {
            recommended_tier: word(answer, "recommended_tier"),
            estimated_tokens: answer.get("estimated_tokens").and_then(whole_number),
            confidence: answer
                .get("confidence")
                .and_then(Value::as_f64)
                .filter(|confidence| (0.0..=1.0).contains(confidence)),
            qa_profile: word(answer, "qa_profile"),
        };
        (read.recommended_tier.is_some() || read.estimated_tokens.is_some()).then_some(read)
    }
}

/// Reads what `/decompose` said; `None` if it is not a list of parts that each have an id and a description.
#[must_use]
pub(super) fn read_plan(answer: &Value) -> Option<Vec<Subtask>> {
    answer.get("subtasks")?.as_array()?.iter().map(read_part).collect()
}

fn read_part(part: &Value) -> Option<Subtask> {
    let description = part.get("description")?.as_str()?.trim();
    if description.is_empty() {
        return None;
    }
    let dependencies = match part.get("dependencies") {
        None | Some(Value::Null) => Vec::new(),
        Some(list) => list.as_array()?.iter().map(identifier).collect::<Option<_>>()?,
    };
    Some(Subtask {
        id: identifier(part.get("id")?)?,
        description: description.to_owned(),
        dependencies,
        domain: word(part, "domain").map(Domain::from),
        tier: word(part, "tier").map(Tier::from),
        is_atomic: part.get("is_atomic").and_then(Value::as_bool).unwrap_or(true),
    })
}

/// Ids of parts are text, but some models number them.
fn identifier(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A word of a vocabulary, without the blanks and capitals that models add.
fn word(answer: &Value, member: &str) -> Option<String> {
    let text = answer.get(member)?.as_str()?.trim().to_lowercase();
    (!text.is_empty() && text.len() <= LONGEST_WORD && !text.contains(char::is_control)).then_some(text)
}

/// A count, also when it is written as 1200.0 or "1200".
fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            // Beyond 2^53 a float is no count any more; the cast below is exact up to there.
            (0.0..9.0e15).contains(&number).then_some(number.ceil() as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_without_any_optional_member_is_read() {
        let answer = AnalysisAnswer::read(&json!({
            "mode": "fix_bug", "domain": " Code-Vision ", "needs_decomposition": false,
            "estimated_complexity": "medium", "qa_profile": null
        }))
        .unwrap();
        assert_eq!(answer.domain.as_deref(), Some("code-vision"));
        assert_eq!(answer.complexity.as_deref(), Some("medium"));
        assert_eq!(answer.qa_profile, None);
    }

    #[test]
    fn one_unusable_member_does_not_cost_the_others() {
        let answer = AnalysisAnswer::read(&json!({
            "mode": 7, "domain": "analysis", "needs_decomposition": "yes", "complexity": "high",
            "acceptance_criteria": ["unexpected"]
        }))
        .unwrap();
        assert_eq!(answer.mode, None);
        assert_eq!(answer.needs_decomposition, None);
        assert_eq!(answer.complexity.as_deref(), Some("high"));
    }

    #[test]
    fn an_answer_that_says_nothing_is_none_at_all() {
        for nothing in [json!({}), json!([]), json!("ok"), json!(null), json!({"detail": "model not loaded"})]
        {
            assert_eq!(AnalysisAnswer::read(&nothing), None, "{nothing}");
            assert_eq!(EstimateAnswer::read(&nothing), None, "{nothing}");
            assert_eq!(read_plan(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn numbers_are_taken_in_the_forms_that_models_write() {
        let tokens = |value: Value| {
            EstimateAnswer::read(&json!({"recommended_tier": "tiny", "estimated_tokens": value}))
                .unwrap()
                .estimated_tokens
        };
        assert_eq!(tokens(json!(1200)), Some(1200));
        assert_eq!(tokens(json!(1200.5)), Some(1201));
        assert_eq!(tokens(json!("1200")), Some(1200));
        assert_eq!(tokens(json!(-1)), None);
        assert_eq!(tokens(json!(1e300)), None);
        assert_eq!(tokens(json!("many")), None);
    }

    #[test]
    fn a_confidence_outside_of_its_range_is_dropped() {
        let confidence = |value: f64| {
            EstimateAnswer::read(&json!({"recommended_tier": "tiny", "confidence": value}))
                .unwrap()
                .confidence
        };
        assert_eq!(confidence(0.5), Some(0.5));
        assert_eq!(confidence(85.0), None);
    }

    #[test]
    fn a_plan_is_read_with_numbers_for_ids_and_refused_if_a_part_is_no_part() {
        let plan = read_plan(&json!({"subtasks": [
            {"id": 1, "description": "a"},
            {"id": "b", "description": "b", "dependencies": [1], "is_atomic": false, "domain": "analysis"}
        ]}))
        .unwrap();
        assert_eq!(plan[0].id, "1");
        assert!(plan[0].is_atomic);
        assert_eq!(plan[1].dependencies, ["1"]);
        assert_eq!(plan[1].domain, Some(Domain::Analysis));
        assert_eq!(read_plan(&json!({"subtasks": [{"id": "a"}]})), None);
        assert_eq!(read_plan(&json!({"subtasks": {"id": "a"}})), None);
        assert_eq!(read_plan(&json!({"subtasks": [{"id": "a", "description": " "}]})), None);
    }
}

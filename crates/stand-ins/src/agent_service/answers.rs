//! The answers: pure functions of the request's text, in the shapes of contract section 4.

use serde_json::{Value, json};

/// Keywords of each domain, the first match in this order wins; the last domain takes the rest.
const DOMAINS: [(&str, &[&str]); 7] = [
    ("code-embedded", &["firmware", "microcontroller", "embedded", "interrupt"]),
    ("code-mobile", &["android", "ios", "mobile", "swiftui"]),
    ("code-vision", &["image", "vision", "camera", "opencv"]),
    ("ui-design", &["layout", "mockup", "wireframe", "colour scheme"]),
    ("architecture", &["architecture", "microservice", "system design"]),
    ("documentation", &["document", "readme", "tutorial", "guide", "explain"]),
    ("analysis", &["analyse", "analyze", "compare", "investigate"]),
];
/// Keywords of each work mode, as above.
const MODES: [(&str, &[&str]); 5] = [
    ("fix_bug", &["fix", "bug", "crash", "broken"]),
    ("refactor", &["refactor", "clean up", "simplify"]),
    ("testing", &["test"]),
    ("documentation", &["document", "readme", "tutorial", "guide"]),
    ("modify", &["add", "extend", "change", "update"]),
];

/// What kind of work a request is.
pub(super) fn analyze(request: &str) -> Value {
    let text = request.to_lowercase();
    let domain = first_match(&text, &DOMAINS).unwrap_or("code-general");
    let complexity = complexity(&text);
    json!({
        "mode": first_match(&text, &MODES).unwrap_or("new_project"),
        "domain": domain,
        "needs_decomposition": complexity == "high",
        "estimated_complexity": complexity,
        "qa_profile": if domain == "documentation" { "documentation" } else { "consensus" },
    })
}

/// How large a piece of work is.
pub(super) fn estimate(description: &str, domain: &str) -> Value {
    let (tier, base) = match (complexity(&description.to_lowercase()), domain) {
        ("high", _) => ("frontier", 12_000),
        (_, "architecture" | "code-embedded") => ("large", 6_000),
        ("medium", _) => ("small", 3_000),
        _ => ("tiny", 1_000),
    };
    json!({
        "recommended_tier": tier,
        "estimated_tokens": base + description.len() / 4,
        "confidence": 0.85,
        "qa_profile": if domain == "documentation" { "documentation" } else { "consensus" },
    })
}

/// One subtask for each part of the description, each building on the one before.
pub(super) fn decompose(description: &str) -> Value {
    let parts: Vec<&str> = description
        .split([';', '\n'])
        .flat_map(|part| part.split(" and then "))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .take(20)
        .collect();
    let subtasks: Vec<Value> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let dependencies: Vec<String> =
                (index > 0).then(|| format!("part-{index}")).into_iter().collect();
            json!({
                "id": format!("part-{}", index + 1),
                "description": part,
                "is_atomic": true,
                "dependencies": dependencies,
            })
        })
        .collect();
    json!({ "subtasks": subtasks, "decomposition_depth": 1 })
}

fn complexity(text: &str) -> &'static str {
    let large_words = ["distributed", "from scratch", "entire", "whole system"];
    if text.len() > 2_000 || large_words.iter().any(|word| text.contains(word)) {
        "high"
    } else if text.len() > 120 {
        "medium"
    } else {
        "low"
    }
}

fn first_match(text: &str, table: &[(&'static str, &[&str])]) -> Option<&'static str> {
    table.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_decide_domain_and_mode() {
        let answer = analyze("Fix the crash of the camera driver");
        assert_eq!((&answer["domain"], &answer["mode"]), (&json!("code-vision"), &json!("fix_bug")));
        let answer = analyze("Write a tutorial for newcomers");
        assert_eq!(answer["qa_profile"], "documentation");
        assert_eq!(analyze("Sort a list")["domain"], "code-general");
    }

    #[test]
    fn large_work_goes_to_a_higher_tier() {
        assert_eq!(estimate("Sort a list", "code-general")["recommended_tier"], "tiny");
        let large = estimate("Build a distributed store from scratch", "code-general");
        assert_eq!(large["recommended_tier"], "frontier");
    }

    #[test]
    fn parts_depend_on_the_part_before() {
        let plan = decompose("draw it; build it and then try it");
        assert_eq!(plan["subtasks"].as_array().unwrap().len(), 3);
        assert_eq!(plan["subtasks"][0]["dependencies"], json!([]));
        assert_eq!(plan["subtasks"][2]["dependencies"], json!(["part-2"]));
    }
}

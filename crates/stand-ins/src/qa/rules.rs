//! The rules of judgement: content must match its checksum, code must carry a test, a document an example.

use protocol::events::{Artifact, TaskOutputCreated};

use crate::worker::checksum;

/// How a test begins, in the languages that workers are likely to write.
const TESTS: [&str; 4] = ["def test_", "#[test]", "test(", "func Test"];

/// What QA thinks of an output.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Good enough.
    Accepted {
        /// 0 to 1.
        score: f64,
    },
    /// Not good enough.
    Rejected {
        /// In one sentence.
        reason: String,
        /// One text for each thing that is wrong.
        issues: Vec<String>,
        /// Whether another attempt may go better.
        retryable: bool,
    },
}

/// Judges an output by what it says of itself.
#[must_use]
pub fn judge(created: &TaskOutputCreated) -> Judgement {
    let mut issues = Vec::new();
    let main = created.output.artifacts.iter().find(|artifact| artifact.artifact_id == created.artifact_id);
    match (&created.output.content, main) {
        (Some(content), Some(artifact)) => examine(content, artifact, &mut issues),
        (Some(content), None) if content.trim().is_empty() => issues.push("the output is empty".to_owned()),
        (None, None) => issues.push("the output has neither content nor artifact".to_owned()),
        (Some(_), None) | (None, Some(_)) => {}
    }
    if issues.is_empty() {
        return Judgement::Accepted { score: 0.95 };
    }
    Judgement::Rejected { reason: issues.join("; "), issues, retryable: true }
}

fn examine(content: &str, artifact: &Artifact, issues: &mut Vec<String>) {
    if content.trim().is_empty() {
        issues.push("the artifact is empty".to_owned());
    }
    if artifact.checksum.as_ref().is_some_and(|claimed| *claimed != checksum(content)) {
        issues.push("the checksum does not match the content".to_owned());
    }
    if artifact.artifact_type == "code" && !TESTS.iter().any(|test| content.contains(test)) {
        issues.push("the code carries no test".to_owned());
    }
    if artifact.artifact_type == "document" && !content.contains("## Example") {
        issues.push("the document carries no example".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use protocol::TaskId;
    use protocol::events::Output;
    use protocol::vocabulary::Domain;

    use super::*;
    use crate::worker::Product;

    fn output(domain: &Domain, complete: bool) -> TaskOutputCreated {
        let task_id = TaskId::generate();
        let product = Product::make(task_id, 1, "Sort numbers", domain, &[], complete).unwrap();
        let artifact_id = product.artifact.artifact_id.clone();
        let mut created: TaskOutputCreated =
            serde_json::from_value(serde_json::json!({"task_id": task_id, "artifact_id": artifact_id}))
                .unwrap();
        created.output = Output { content: Some(product.content), artifacts: vec![product.artifact] };
        created
    }

    #[test]
    fn complete_work_is_accepted_and_incomplete_work_is_not() {
        for domain in [Domain::CodeGeneral, Domain::Documentation] {
            assert!(matches!(judge(&output(&domain, true)), Judgement::Accepted { .. }), "{domain}");
            assert!(
                matches!(judge(&output(&domain, false)), Judgement::Rejected { retryable: true, .. }),
                "{domain}"
            );
        }
    }

    #[test]
    fn content_that_does_not_match_its_checksum_is_rejected() {
        let mut created = output(&Domain::CodeGeneral, true);
        created.output.content = Some("def test_other(): pass".to_owned());
        let Judgement::Rejected { issues, .. } = judge(&created) else { panic!("accepted") };
        assert_eq!(issues, ["the checksum does not match the content"]);
    }
}

//! What a task gets from the tasks before it: those that it depends on, and those that its parent depended on.

use protocol::events::{Artifact, Input};
use protocol::vocabulary::Relationship;

/// Adds artifacts to those that were produced before; a version takes the place of an earlier one.
pub(crate) fn add_versions(produced: &mut Vec<Artifact>, newer: Vec<Artifact>) {
    for artifact in newer {
        produced.retain(|earlier| earlier.artifact_id != artifact.artifact_id);
        produced.push(artifact);
    }
}

/// The inputs that a task was given, and what others produced for it. Of an artifact that is in both it is the latter,
/// which is newer.
pub(crate) fn with_inherited(given: &[Input], inherited: &[Artifact]) -> Vec<Input> {
    let is_inherited =
        |input: &&Input| inherited.iter().any(|artifact| artifact.artifact_id == input.artifact_id);
    let rest = given.iter().filter(|input| !is_inherited(input)).cloned();
    rest.chain(inherited.iter().map(as_input)).collect()
}

fn as_input(artifact: &Artifact) -> Input {
    Input {
        artifact_id: artifact.artifact_id.clone(),
        relationship: Relationship::Consumed,
        checksum: artifact.checksum.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(id: &str, checksum: &str) -> Artifact {
        Artifact {
            artifact_id: id.parse().unwrap(),
            artifact_type: "code".to_owned(),
            path: None,
            language: None,
            checksum: Some(checksum.to_owned()),
            size_bytes: None,
        }
    }

    #[test]
    fn what_was_produced_for_a_task_takes_the_place_of_what_it_was_given() {
        let given = ["a", "b"].map(|id| Input {
            artifact_id: id.parse().unwrap(),
            relationship: Relationship::Referenced,
            checksum: None,
        });
        let mut produced = vec![artifact("b", "1"), artifact("c", "1")];
        add_versions(&mut produced, vec![artifact("b", "2")]);
        let inputs = with_inherited(&given, &produced);
        let consumed = Relationship::Consumed;
        let expected =
            [("a", None, Relationship::Referenced), ("c", Some("1"), consumed), ("b", Some("2"), consumed)];
        let told = inputs
            .iter()
            .map(|input| (input.artifact_id.as_str(), input.checksum.as_deref(), input.relationship));
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}

//! What the worker makes: a program with its test, or a document with its example. The same task, attempt and
//! description give the same bytes.

use std::fmt::Write as _;

use protocol::events::Artifact;
use protocol::vocabulary::Domain;
use protocol::{ArtifactId, TaskId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Longest stem of a file name, in characters.
const STEM: usize = 40;

/// One finished artifact with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// As it is announced.
    pub artifact: Artifact,
    /// What is in it.
    pub content: String,
}

impl Product {
    /// Makes the artifact of one attempt. `complete` is false when it should lack what QA looks for; `feedback`
    /// names what earlier attempts were told.
    ///
    /// # Errors
    /// Never for ids made here; the check belongs to the type.
    pub fn make(
        task_id: TaskId,
        attempt: u32,
        description: &str,
        domain: &Domain,
        feedback: &[String],
        complete: bool,
    ) -> Result<Self, protocol::text::InvalidText> {
        let stem = stem(description);
        let kind = Kind::of(domain);
        let content = match kind {
            Kind::Program => program(&stem, description, feedback, complete),
            Kind::Document => document(description, feedback, complete),
        };
        let name = format!("{stem}.{}", kind.extension());
        let id = Uuid::new_v5(&task_id.as_uuid(), format!("{attempt}/{name}").as_bytes());
        let artifact = Artifact {
            artifact_id: ArtifactId::new(format!("art-{id}"))?,
            artifact_type: kind.name().to_owned(),
            path: Some(format!("{task_id}/attempt-{attempt}/{name}")),
            language: Some(kind.language().to_owned()),
            checksum: Some(checksum(&content)),
            size_bytes: u64::try_from(content.len()).ok(),
        };
        Ok(Self { artifact, content })
    }
}

/// SHA-256 as lower-case hex.
pub(crate) fn checksum(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Program,
    Document,
}

impl Kind {
    fn of(domain: &Domain) -> Self {
        match domain {
            Domain::CodeGeneral | Domain::CodeVision | Domain::CodeEmbedded | Domain::CodeMobile => {
                Self::Program
            }
            Domain::Documentation
            | Domain::UiDesign
            | Domain::Architecture
            | Domain::Analysis
            | Domain::Other(_) => Self::Document,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Program => "code",
            Self::Document => "document",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Program => "py",
            Self::Document => "md",
        }
    }

    const fn language(self) -> &'static str {
        match self {
            Self::Program => "python",
            Self::Document => "en",
        }
    }
}

fn program(name: &str, description: &str, feedback: &[String], complete: bool) -> String {
    let mut text = String::new();
    comment(&mut text, description);
    for message in feedback {
        comment(&mut text, &format!("Changed after: {message}"));
    }
    let _ = write!(
        text,
        "\n\ndef {name}(*items):\n    return {{\"items\": list(items), \"count\": len(items)}}\n"
    );
    if complete {
        let _ = write!(
            text,
            "\n\ndef test_{name}():\n    assert {name}(1, 2) == {{\"items\": [1, 2], \"count\": 2}}\n"
        );
    }
    text
}

fn comment(text: &mut String, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(text, "# {line}");
    }
}

fn document(description: &str, feedback: &[String], complete: bool) -> String {
    let title: String = description.lines().next().unwrap_or_default().chars().take(80).collect();
    let mut text = format!("# {title}\n\n{description}\n");
    for message in feedback {
        let _ = write!(text, "\n> Changed after: {message}\n");
    }
    if complete {
        text.push_str("\n## Example\n\n1. Do the first step.\n2. Look at the result.\n");
    }
    text
}

/// The description's first words as an identifier: it names the file and the function in it.
fn stem(description: &str) -> String {
    let without_markers: String =
        description.split('[').enumerate().fold(String::new(), |mut text, (index, part)| {
            text.push_str(if index == 0 {
                part
            } else {
                part.split_once(']').map_or(part, |(_, rest)| rest)
            });
            text
        });
    let words = without_markers
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut stem = String::from("do");
    for word in words {
        if stem.len() + 1 + word.len() > STEM {
            break;
        }
        stem.push('_');
        stem.push_str(&word.to_ascii_lowercase());
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(domain: Domain, complete: bool) -> Product {
        let task = TaskId(Uuid::from_u128(7));
        let feedback = ["a test is missing".to_owned()];
        Product::make(task, 2, "Reverse a string [reject-once]\nin place", &domain, &feedback, complete)
            .unwrap()
    }

    #[test]
    fn the_same_task_gives_the_same_bytes_under_the_same_id() {
        let (one, two) = (product(Domain::CodeGeneral, true), product(Domain::CodeGeneral, true));
        assert_eq!(one, two);
        assert_eq!(one.artifact.checksum, Some(checksum(&one.content)));
        assert_eq!(one.artifact.size_bytes, Some(one.content.len() as u64));
    }

    #[test]
    fn a_program_carries_its_test_only_when_complete() {
        assert!(product(Domain::CodeGeneral, true).content.contains("def test_do_reverse_a_string_in_place"));
        assert!(!product(Domain::CodeGeneral, false).content.contains("def test_"));
    }

    #[test]
    fn a_document_tells_what_it_was_changed_for() {
        let document = product(Domain::Documentation, true);
        assert!(document.content.contains("> Changed after: a test is missing"));
        assert!(document.artifact.path.unwrap().ends_with("do_reverse_a_string_in_place.md"));
    }

    #[test]
    fn the_checksum_is_sha_256() {
        assert_eq!(checksum("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

//! What the documents promise is proved by tests that exist.

use std::path::{Path, PathBuf};

const GUARANTEES: &str = include_str!("../../../docs/reliability.md");

/// Every Rust file below a folder, but for what was built.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_guarantee_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for part in ["crates", "tests"] {
        sources(&root.join(part), &mut files);
    }
    let code: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let lines: Vec<&str> = GUARANTEES.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(lines.len() >= 15, "the table of guarantees is not where it was");
    for line in lines {
        let proofs = line.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let tests: Vec<&str> = proofs.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test proves: {line}");
        for test in tests {
            assert!(code.contains(&format!("fn {test}()")), "there is no test {test}");
        }
    }
}

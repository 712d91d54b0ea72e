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
    let rows = rows_with_proofs(GUARANTEES);
    assert!(rows.len() >= 30, "the tables of guarantees are not where they were");
    for row in rows {
        let proofs = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let proofs: Vec<&str> = proofs.split('`').skip(1).step_by(2).collect();
        assert!(!proofs.is_empty(), "nothing proves: {row}");
        for proof in proofs {
            // A fault or a scenario of the long form, or a test.
            let needed = if proof.contains("::") { proof.to_owned() } else { format!("fn {proof}()") };
            assert!(code.contains(&needed), "there is no {proof}");
        }
    }
}

/// The rows of all tables whose last column is headed "test".
fn rows_with_proofs(document: &str) -> Vec<&str> {
    let (mut rows, mut is_meant) = (Vec::new(), false);
    for line in document.lines() {
        if !line.starts_with('|') {
            is_meant = false;
        } else if line.ends_with("| test |") {
            is_meant = true;
        } else if is_meant && line.starts_with("| ") {
            rows.push(line);
        }
    }
    rows
}

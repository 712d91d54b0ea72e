//! The table of metrics is the code's: each name that a service measures by is in it, and it names no other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where metrics are made.
const CRATES: [&str; 5] =
    ["api-gateway", "messaging", "provenance-store", "routing-engine", "service-runtime"];
/// How their names begin.
const PREFIXES: [&str; 3] = ["dats_", "http_", "process_"];
/// What a line says that names one: a constant, or one of the recorder's macros.
const MARKS: [&str; 4] = ["_total\"", "counter!(", "gauge!(", "histogram!("];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Texts of the line that look like the name of a metric.
fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2).filter(|text| {
        let is_name = text.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !text.ends_with('_');
        is_name && PREFIXES.iter().any(|prefix| text.starts_with(prefix))
    })
}

fn in_the_code() -> BTreeSet<String> {
    let mut files = Vec::new();
    CRATES.iter().for_each(|name| sources(&root().join("crates").join(name).join("src"), &mut files));
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        // Tests measure by names of their own.
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in product.lines() {
            let makes_one = line.contains("const ") || MARKS.iter().any(|mark| line.contains(mark));
            found.extend(names(line).filter(|_| makes_one).map(ToOwned::to_owned));
        }
    }
    found
}

fn in_the_table() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/metrics.md")).expect("the table");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_metric_is_in_the_table_and_the_table_names_no_other() {
    let (code, table) = (in_the_code(), in_the_table());
    let missing: Vec<_> = code.difference(&table).collect();
    let invented: Vec<_> = table.difference(&code).collect();
    assert!(missing.is_empty(), "add a row to docs/metrics.md for each of {missing:?}");
    assert!(invented.is_empty(), "docs/metrics.md names what nobody measures: {invented:?}");
    assert!(code.len() > 50, "only {} metrics", code.len());
}

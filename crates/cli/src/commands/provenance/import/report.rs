//! What became of an import's files.

use std::path::Path;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Output, Paint, Table};

/// A file that needs a word.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    file: String,
    id: Option<String>,
    reason: String,
}

/// The report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    dry_run: bool,
    imported: u64,
    unchanged: u64,
    /// Unchanged, but not quite the same.
    kept: Vec<Told>,
    repaired: Vec<Told>,
    refused: Vec<Told>,
}

impl Report {
    pub(super) fn new(dry_run: bool) -> Self {
        Self { dry_run, ..Self::default() }
    }

    /// Takes in what the gateway said of a line.
    pub(super) fn add(&mut self, line: &Value) {
        let told = Told {
            file: line.text("file").to_owned(),
            id: line.at("id").as_str().map(ToOwned::to_owned),
            reason: line.text("reason").to_owned(),
        };
        match line.text("outcome") {
            "imported" => self.imported += 1,
            "unchanged" => {
                self.unchanged += 1;
                if !told.reason.is_empty() {
                    self.kept.push(told);
                }
            }
            "repaired" => self.repaired.push(told),
            _ => self.refused.push(told),
        }
    }

    /// A file that could not even be sent.
    pub(super) fn refuse(&mut self, file: String, reason: String) {
        self.refused.push(Told { file, id: None, reason });
    }

    pub(super) fn is_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    pub(super) fn to_json(&self) -> Value {
        let list = |told: &[Told]| -> Vec<Value> {
            told.iter()
                .map(|told| json!({ "file": told.file, "id": told.id, "reason": told.reason }))
                .collect()
        };
        json!({
            "dry_run": self.dry_run, "imported": self.imported, "unchanged": self.unchanged,
            "repaired": list(&self.repaired), "refused": list(&self.refused), "kept": list(&self.kept),
        })
    }

    /// Writes the report to a file.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&self.to_json()).unwrap_or_default() + "\n";
        std::fs::write(path, text)
            .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
    }

    pub(super) fn text(&self, output: &Output) -> String {
        let mut text = String::new();
        let parts = [
            ("unchanged", &self.kept, Paint::Faint),
            ("repaired", &self.repaired, Paint::Warn),
            ("refused", &self.refused, Paint::Bad),
        ];
        for (title, told, paint) in parts.into_iter().filter(|(_, told, _)| !told.is_empty()) {
            let mut table = Table::new([title, "reason"]);
            for told in told {
                table.row([Cell::painted(&told.file, paint), told.reason.as_str().into()]);
            }
            text.push_str(&output.table(&table));
            text.push('\n');
        }
        let would = if self.dry_run { "nothing was changed; would be: " } else { "" };
        text.push_str(&format!(
            "{would}imported {}, unchanged {}, repaired {}, refused {}\n",
            self.imported,
            self.unchanged,
            self.repaired.len(),
            self.refused.len()
        ));
        text
    }
}

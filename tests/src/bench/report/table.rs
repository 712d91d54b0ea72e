//! The table for the terminal.

use std::fmt::Write as _;

use super::{Report, number, target_text, value_with_unit, verdict};
use crate::bench::rounds::median;

/// The whole table as text.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    for (floor, values) in &report.results.floors {
        line(
            &mut text,
            &format!("floor: {}", floor.name()),
            "",
            &format!("{}/s", number(median(values))),
            "",
        );
    }
    let mut last = "";
    for row in &report.results.rows {
        let operation = if row.operation == last { "" } else { row.operation };
        last = row.operation;
        let ratio = row.ratio().map_or_else(String::new, |ratio| format!("ratio {ratio:.2}; "));
        let judgement = format!("{ratio}{} {}", target_text(row), verdict(row));
        line(&mut text, operation, row.quantity.name(), &value_with_unit(row), judgement.trim());
    }
    for name in &report.results.failed {
        line(&mut text, name, "", "FAILED", "");
    }
    text
}

fn line(text: &mut String, operation: &str, quantity: &str, value: &str, judgement: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{operation:<72} {quantity:<26} {value:>14}   {judgement}");
}

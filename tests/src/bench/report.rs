//! The report: the same numbers for a person at a terminal, for programs, and for the documentation.

mod json;
mod machine;
mod markdown;
mod table;

pub use json::json;
pub use machine::Machine;
pub use markdown::markdown;
pub use table::table;

use super::figures::{Quantity, Target};
use super::rounds::{Results, Row};

/// Everything that is reported.
pub struct Report {
    /// When it was begun (RFC 3339, UTC).
    pub date: String,
    /// The command that made it.
    pub command: String,
    /// Where it was made.
    pub machine: Machine,
    /// What was found.
    pub results: Results,
}

/// A number with as many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        whole if whole >= 100.0 => grouped(value.round() as i64),
        small if small >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn grouped(value: i64) -> String {
    let digits = value.abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn value_with_unit(row: &Row) -> String {
    match row.quantity {
        Quantity::Failures => number(row.median()),
        Quantity::Rate => format!("{}/s", number(row.median())),
        other => format!("{} {}", number(row.median()), other.unit()),
    }
}

fn target_text(row: &Row) -> String {
    match row.target {
        None => String::new(),
        Some(Target::TimesFloor(times, _)) => format!("at least {times} of the floor"),
        Some(Target::AtLeast(least)) => format!("at least {}", number(least)),
        Some(Target::Under(_)) if row.quantity == Quantity::Failures => "none".to_owned(),
        Some(Target::Under(most)) => format!("under {} {}", number(most), row.quantity.unit()),
    }
}

fn verdict(row: &Row) -> &'static str {
    match row.reached() {
        Some(true) => "reached",
        Some(false) => "MISSED",
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_what_means_something() {
        for (value, text) in [(1234567.4, "1,234,567"), (100.0, "100"), (12.34, "12.3"), (0.456, "0.46")] {
            assert_eq!(number(value), text);
        }
    }
}

//! The report for the documentation.

use std::fmt::Write as _;

use super::{Report, number, target_text, value_with_unit, verdict};
use crate::bench::rounds::{Row, median};

/// The whole report as Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "# Measured figures\n\n\
         Written by `{}`; do not edit. Method and reading: [performance.md](performance.md).\n\n\
         - Date: {}\n\
         - Machine: {}, {} cores, {:.0} GiB, Linux {}; the load generator and the servers share it\n\
         - Versions: {}; PostgreSQL {} (fsync and synchronous_commit on); RabbitMQ {}\n\n\
         ## Floors\n\n\
         What the same machine did in the same run without any of our services.\n\n\
         | floor | median | rounds |\n|---|---:|---|\n",
        report.command,
        report.date,
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.kernel,
        machine.services,
        machine.postgresql,
        machine.rabbitmq,
    );
    // Writing to a String cannot fail.
    for (floor, values) in &report.results.floors {
        let _ = writeln!(text, "| {} | {}/s | {} |", floor.name(), number(median(values)), rounds(values));
    }
    text.push_str(
        "\n## Figures\n\n| operation | quantity | median | rounds | target | |\n|---|---|---:|---|---|---|\n",
    );
    for row in &report.results.rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.operation,
            row.quantity.name(),
            value_with_unit(row),
            rounds(&row.values),
            target(row),
            verdict(row),
        );
    }
    for name in &report.results.failed {
        let _ = writeln!(text, "| {name} | | FAILED | | | |");
    }
    text
}

fn target(row: &Row) -> String {
    row.ratio().map_or_else(|| target_text(row), |ratio| format!("{}: {ratio:.2}", target_text(row)))
}

fn rounds(values: &[f64]) -> String {
    values.iter().map(|&value| number(value)).collect::<Vec<_>>().join(" · ")
}

//! The report for programs.

use serde_json::{Value, json as object};

use super::Report;
use crate::bench::figures::{Quantity, Target};
use crate::bench::rounds::{Row, median};

/// The whole report as JSON.
#[must_use]
pub fn json(report: &Report) -> Value {
    let floors: Vec<Value> = report
        .results
        .floors
        .iter()
        .map(|(floor, values)| object!({ "floor": floor.name(), "median": median(values), "rounds": values }))
        .collect();
    let rows: Vec<Value> = report.results.rows.iter().map(row).collect();
    let machine = &report.machine;
    object!({
        "date": report.date,
        "command": report.command,
        "machine": {
            "processor": machine.processor,
            "cores": machine.cores,
            "memory_gib": machine.memory_gib,
            "kernel": machine.kernel,
        },
        "versions": { "services": machine.services, "postgresql": machine.postgresql, "rabbitmq": machine.rabbitmq },
        "floors": floors,
        "figures": rows,
        "failed": report.results.failed,
    })
}

fn row(row: &Row) -> Value {
    let (kind, limit) = match row.target {
        None => (Value::Null, Value::Null),
        Some(Target::AtLeast(least)) => ("at_least".into(), least.into()),
        Some(Target::TimesFloor(times, _)) => ("at_least_times_floor".into(), times.into()),
        Some(Target::Under(most)) => ("under".into(), most.into()),
    };
    let unit = if row.quantity == Quantity::Failures { "requests" } else { row.quantity.unit() };
    object!({
        "scenario": row.scenario,
        "operation": row.operation,
        "quantity": row.quantity.name(),
        "unit": unit,
        "median": row.median(),
        "rounds": row.values,
        "ratio": row.ratio(),
        "target": { "kind": kind, "value": limit },
        "reached": row.reached(),
    })
}

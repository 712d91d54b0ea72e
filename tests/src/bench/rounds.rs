//! Rounds: in each, the floors that are needed and then every scenario; at the end the median of all rounds. A scenario
//! that fails is reported as failed and does not stop the others.

use std::collections::BTreeMap;

use super::figures::{Findings, Floor, Quantity, Target};
use super::floors;
use super::scale::Scale;
use super::scenarios::Scenario;

/// What all rounds found.
pub struct Results {
    /// Each floor, one number for each round.
    pub floors: BTreeMap<Floor, Vec<f64>>,
    /// Every quantity of every scenario.
    pub rows: Vec<Row>,
    /// Scenarios that failed, by name.
    pub failed: Vec<&'static str>,
}

/// One quantity of one scenario.
pub struct Row {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The scenario's operation.
    pub operation: &'static str,
    /// Which quantity.
    pub quantity: Quantity,
    /// One number for each round.
    pub values: Vec<f64>,
    /// What it should be.
    pub target: Option<Target>,
    /// The number as a multiple of the target's floor in the same round.
    pub ratios: Vec<f64>,
}

impl Row {
    /// The median of the rounds.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.values)
    }

    /// The median of the multiples of the floor, where the target is told in one.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (!self.ratios.is_empty()).then(|| median(&self.ratios))
    }

    /// Whether the target was reached; `None` without a target or without its floor.
    #[must_use]
    pub fn reached(&self) -> Option<bool> {
        match self.target? {
            Target::AtLeast(least) => Some(self.median() >= least),
            Target::Under(most) => Some(self.median() < most),
            Target::TimesFloor(times, _) => self.ratio().map(|ratio| ratio >= times),
        }
    }
}

/// Runs all rounds. Tells on standard error what it is at.
pub async fn run(scenarios: &[&'static Scenario], floors: &[Floor], scale: &Scale) -> Results {
    let mut results = Results { floors: BTreeMap::new(), rows: Vec::new(), failed: Vec::new() };
    for round in 1..=scale.rounds {
        let mut measured = BTreeMap::new();
        for &floor in floors {
            eprintln!("round {round} of {}: {}", scale.rounds, floor.name());
            if let Some(value) = floors::measure(floor, scale).await {
                measured.insert(floor, value);
                results.floors.entry(floor).or_default().push(value);
            }
        }
        for scenario in scenarios {
            eprintln!("round {round} of {}: {} ({})", scale.rounds, scenario.operation, scenario.name);
            match tokio::spawn((scenario.run)(scale.clone())).await {
                Ok(findings) => results.add(scenario, &findings, &measured),
                Err(error) => {
                    eprintln!("{} failed: {error}", scenario.name);
                    results.failed.push(scenario.name);
                }
            }
        }
    }
    results
}

impl Results {
    fn add(&mut self, scenario: &'static Scenario, findings: &Findings, floors: &BTreeMap<Floor, f64>) {
        for &(quantity, value) in findings {
            let row = self.row(scenario, quantity);
            row.values.push(value);
            if let Some(Target::TimesFloor(_, floor)) = row.target
                && let Some(floor) = floors.get(&floor)
            {
                row.ratios.push(value / floor);
            }
            eprintln!("    {} {value:.2} {}", quantity.name(), quantity.unit());
        }
    }

    fn row(&mut self, scenario: &'static Scenario, quantity: Quantity) -> &mut Row {
        let known =
            self.rows.iter().position(|row| row.scenario == scenario.name && row.quantity == quantity);
        let index = known.unwrap_or(self.rows.len());
        if known.is_none() {
            let target = scenario.targets.iter().find(|(of, _)| *of == quantity).map(|(_, target)| *target);
            self.rows.push(Row {
                scenario: scenario.name,
                operation: scenario.operation,
                quantity,
                values: Vec::new(),
                target,
                ratios: Vec::new(),
            });
        }
        &mut self.rows[index]
    }
}

/// The middle one; of an even number, the mean of the two in the middle. NaN of none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_target_told_in_a_floor_compares_within_the_rounds() {
        let row = Row {
            scenario: "submit",
            operation: "POST /tasks",
            quantity: Quantity::Rate,
            values: vec![10.0, 30.0, 20.0],
            target: Some(Target::TimesFloor(1.2, Floor::TaskAndOutbox)),
            ratios: vec![1.3, 1.1, 1.25],
        };
        assert_eq!((row.median(), row.ratio(), row.reached()), (20.0, Some(1.25), Some(true)));
    }
}

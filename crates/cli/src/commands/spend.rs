//! What work cost, in words. A cost that is not known is not the same as none.

use serde_json::Value;

use super::Session;
use crate::json::Look;
use crate::output::cost::amount;

const UNKNOWN: &str =
    "not known: no price for it, or no tokens told (prices: section costs of the provenance-store)";

/// What all recorded attempts of a task cost together; empty where there are none, or nobody can tell now.
pub(super) async fn of_task(task_id: &str, session: &Session<'_>) -> String {
    let query = [("task_id", task_id.to_owned()), ("limit", "200".to_owned())];
    match session.client.get("/provenance", &query).await {
        Ok(answer) => of_attempts(answer.list("records")),
        Err(_) => String::new(),
    }
}

fn of_attempts(records: &[Value]) -> String {
    let costs: Vec<u64> =
        records.iter().filter_map(|record| record.at("cost.micro_units").as_u64()).collect();
    let sum = amount(costs.iter().fold(0, |sum: u64, cost| sum.saturating_add(*cost)));
    match (costs.len(), records.len()) {
        (_, 0) => String::new(),
        (0, _) => UNKNOWN.to_owned(),
        (1, 1) => sum,
        (known, all) if known == all => format!("{sum} for {all} attempts"),
        (known, all) => format!("{sum} for {known} of {all} attempts; of the others it is not known"),
    }
}

/// What one record cost.
pub(super) fn of_record(record: &Value) -> String {
    match record.at("cost.micro_units").as_u64() {
        Some(micro_units) => {
            format!("{} (prices {})", amount(micro_units), record.text("cost.price_version"))
        }
        None => UNKNOWN.to_owned(),
    }
}

/// What a project's work cost, and how much of it was in vain.
pub(super) fn of_project(spend: &Value) -> String {
    let (records, unpriced) = (spend.count("total.records"), spend.count("total.unpriced_records"));
    let Some(total) = spend.at("total.cost_micro_units").as_u64() else {
        return if records == 0 { String::new() } else { UNKNOWN.to_owned() };
    };
    let wasted = match spend.count("wasted.cost_micro_units") {
        0 => String::new(),
        wasted => format!(", {} of it for work that was rejected or found wrong", amount(wasted)),
    };
    let unknown = match unpriced {
        0 => String::new(),
        unpriced => format!("; of {unpriced} of {records} records it is not known"),
    };
    format!("{}{wasted}{unknown}", amount(total))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn costs_of_attempts_add_up_and_what_is_not_known_is_said() {
        let priced = json!({ "cost": { "micro_units": 1_500_000, "price_version": "v" } });
        let unknown = json!({ "cost": null });
        for (records, told) in [
            (vec![], ""),
            (vec![priced.clone()], "1.50"),
            (vec![priced.clone(), priced.clone()], "3.00 for 2 attempts"),
            (
                vec![priced.clone(), unknown.clone()],
                "1.50 for 1 of 2 attempts; of the others it is not known",
            ),
            (vec![unknown], UNKNOWN),
        ] {
            assert_eq!(of_attempts(&records), told);
        }
        assert_eq!(of_record(&priced), "1.50 (prices v)");
    }

    #[test]
    fn what_a_project_spent_in_vain_is_told() {
        let spend = json!({
            "total": { "records": 4, "unpriced_records": 1, "cost_micro_units": 111 },
            "wasted": { "cost_micro_units": 10 },
        });
        let told = "0.000111, 0.00001 of it for work that was rejected or found wrong; of 1 of 4 records it is not known";
        assert_eq!(of_project(&spend), told);
        assert_eq!(of_project(&json!({ "total": { "records": 0, "cost_micro_units": null } })), "");
    }
}

//! A project's records in numbers: health, and what was spent on what.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::ProjectId;
use protocol::provenance_query::spend::{Amount, ProjectSummary, Spend};

use super::{Unanswered, get_project_health};
use crate::statement::statement;

statement!(
    /// A project's sums, one row per tier, verdict and mark. What is beyond counting is shown as the highest number.
    struct ListSpend { project_id: String as Text }
    "SELECT tier, verdict, mark, records, unpriced,
        LEAST(tokens_input, 9223372036854775807)::bigint AS tokens_input,
        LEAST(tokens_output, 9223372036854775807)::bigint AS tokens_output,
        LEAST(cost_micros, 9223372036854775807)::bigint AS cost_micros
     FROM project_spend WHERE project_id = $1 AND records > 0"
);

#[derive(QueryableByName)]
struct SpendRow {
    #[diesel(sql_type = Text)]
    tier: String,
    #[diesel(sql_type = Text)]
    verdict: String,
    #[diesel(sql_type = Text)]
    mark: String,
    #[diesel(sql_type = BigInt)]
    records: i64,
    #[diesel(sql_type = BigInt)]
    unpriced: i64,
    #[diesel(sql_type = BigInt)]
    tokens_input: i64,
    #[diesel(sql_type = BigInt)]
    tokens_output: i64,
    #[diesel(sql_type = BigInt)]
    cost_micros: i64,
}

/// A project's numbers; all zero for one without records.
///
/// # Errors
/// If the database does not answer.
pub async fn summarize_project(
    conn: &mut AsyncPgConnection,
    project_id: &ProjectId,
) -> Result<ProjectSummary, Unanswered> {
    let health = get_project_health(conn, project_id).await?;
    let rows: Vec<SpendRow> = ListSpend { project_id: project_id.to_string() }.load(conn).await?;
    let (spend, by_tier) = sums(&rows);
    Ok(ProjectSummary { health, spend, by_tier })
}

fn sums(rows: &[SpendRow]) -> (Spend, BTreeMap<String, Spend>) {
    let mut whole = Spend::default();
    let mut by_tier: BTreeMap<String, Spend> = BTreeMap::new();
    for row in rows {
        add(&mut whole, row);
        add(by_tier.entry(row.tier.clone()).or_default(), row);
    }
    (whole, by_tier)
}

fn add(spend: &mut Spend, row: &SpendRow) {
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let amount = Amount {
        records: count(row.records),
        unpriced_records: count(row.unpriced),
        tokens_input: count(row.tokens_input),
        tokens_output: count(row.tokens_output),
        cost_micro_units: (row.records > row.unpriced).then(|| count(row.cost_micros)),
    };
    let (rejected, tainted) = (row.verdict == "failed", row.mark == "tainted");
    let parts = [
        (true, &mut spend.total),
        (rejected, &mut spend.rejected),
        (tainted, &mut spend.tainted),
        (row.mark == "suspect", &mut spend.suspect),
        (rejected || tainted, &mut spend.wasted),
    ];
    for (_, part) in parts.into_iter().filter(|(belongs, _)| *belongs) {
        part.add(&amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tier: &str, verdict: &str, mark: &str, cost: Option<i64>) -> SpendRow {
        SpendRow {
            tier: tier.to_owned(),
            verdict: verdict.to_owned(),
            mark: mark.to_owned(),
            records: 1,
            unpriced: i64::from(cost.is_none()),
            tokens_input: 10,
            tokens_output: 1,
            cost_micros: cost.unwrap_or(0),
        }
    }

    #[test]
    fn work_that_is_rejected_and_tainted_was_wasted_once() {
        let (spend, by_tier) = sums(&[
            row("small", "passed", "none", Some(1)),
            row("small", "failed", "none", Some(10)),
            row("large", "failed", "tainted", Some(100)),
            row("large", "passed", "tainted", Some(1000)),
            row("", "passed", "suspect", None),
        ]);
        let cost = |amount: &Amount| (amount.records, amount.cost_micro_units);
        assert_eq!(cost(&spend.total), (5, Some(1111)));
        assert_eq!(cost(&spend.rejected), (2, Some(110)));
        assert_eq!(cost(&spend.tainted), (2, Some(1100)));
        assert_eq!(cost(&spend.wasted), (3, Some(1110)));
        assert_eq!((cost(&spend.suspect), spend.suspect.unpriced_records), ((1, None), 1));
        assert_eq!(spend.total.tokens_input, 50);
        assert_eq!(cost(&by_tier["large"].wasted), (2, Some(1100)));
        assert_eq!(by_tier[""].total.cost_micro_units, None);
    }
}

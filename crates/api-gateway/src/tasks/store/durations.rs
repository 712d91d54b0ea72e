//! How long tasks of a tier and domain take, from admission to completion: a moving average for estimates.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::arrays::array_statement;
use crate::schema::task_durations;

/// Completions of one tier and domain, summed up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// The tier.
    pub(crate) tier: String,
    /// The domain.
    pub(crate) domain: String,
    /// How many.
    pub(crate) samples: i64,
    /// The sum of their durations.
    pub(crate) sum_ms: f64,
}

array_statement! {
    /// Completions, one row per tier and domain.
    RecordDurations<'a> {
        tier: Text => &'a str,
        domain: Text => &'a str,
        samples: BigInt => i64,
        mean_ms: Double => f64,
    }
    // The past counts as at most 100 samples, so that the average follows when the work changes.
    before "INSERT INTO task_durations (tier, domain, samples, mean_ms) SELECT * FROM ";
    after "ON CONFLICT (tier, domain) DO UPDATE SET \
        samples = task_durations.samples + excluded.samples, \
        mean_ms = (task_durations.mean_ms * least(task_durations.samples, 100) \
                   + excluded.mean_ms * excluded.samples) \
                  / (least(task_durations.samples, 100) + excluded.samples)";
}

/// Adds completions to the averages. `measured` is in a fixed order, so that two writers cannot deadlock.
pub(crate) async fn record_durations(mut conn: &AsyncPgConnection, measured: &[Measured]) -> QueryResult<()> {
    if measured.is_empty() {
        return Ok(());
    }
    let mut statement = RecordDurations::default();
    for group in measured {
        statement.tier.push(&group.tier);
        statement.domain.push(&group.domain);
        statement.samples.push(group.samples);
        statement.mean_ms.push(group.sum_ms / group.samples as f64);
    }
    statement.execute(&mut conn).await.map(|_| ())
}

/// One average as it is read back: tier, domain, samples, mean in milliseconds.
pub(crate) type DurationRow = (String, String, i64, f64);

/// All averages.
pub(crate) async fn list_durations(conn: &mut AsyncPgConnection) -> QueryResult<Vec<DurationRow>> {
    task_durations::table
        .select((
            task_durations::tier,
            task_durations::domain,
            task_durations::samples,
            task_durations::mean_ms,
        ))
        .load(conn)
        .await
}

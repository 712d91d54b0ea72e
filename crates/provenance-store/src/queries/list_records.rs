//! Records by filter, newest first.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::records::{ListRecordsQuery, RecordFilter, RecordPage, RecordPlace};
use protocol::vocabulary::VerificationStatus;

use super::Unanswered;
use super::record_row::{FoundRow, select_records};
use crate::schema::{marked_records, provenance_records};
use crate::statement::statement;

statement!(
    /// Records by their places, newest first.
    struct LoadRecords { seqs: Vec<i64> as Array<BigInt> }
    concat!(select_records!(), "WHERE record.seq = ANY ($1) ORDER BY record.created_at DESC, record.seq DESC")
);

/// A page of records.
///
/// # Errors
/// If the database does not answer.
pub async fn list_records(
    conn: &mut AsyncPgConnection,
    query: ListRecordsQuery,
) -> Result<RecordPage, Unanswered> {
    let limit = i64::from(query.limit);
    let mut found: Vec<(DateTime<Utc>, i64)> = matching(query.filter, query.after)
        .select((provenance_records::created_at, provenance_records::seq))
        .order((provenance_records::created_at.desc(), provenance_records::seq.desc()))
        .limit(limit.saturating_add(1))
        .load(conn)
        .await?;
    let has_more = i64::try_from(found.len()).is_ok_and(|found| found > limit);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found
        .last()
        .filter(|_| has_more)
        .map(|&(created_at, sequence)| RecordPlace { created_at: created_at.into(), sequence });
    let seqs = found.into_iter().map(|(_, seq)| seq).collect();
    let rows: Vec<FoundRow> = LoadRecords { seqs }.load(conn).await?;
    let records = rows.into_iter().map(FoundRow::view).collect::<QueryResult<_>>()?;
    Ok(RecordPage { records, next })
}

/// Planned anew each time, so that the index that fits the filter is taken.
fn matching<'q>(filter: RecordFilter, after: Option<RecordPlace>) -> provenance_records::BoxedQuery<'q, Pg> {
    use provenance_records as record;
    let mut query = provenance_records::table.into_boxed();
    if let Some(project_id) = filter.project_id {
        query = query.filter(record::project_id.eq(String::from(project_id)));
    }
    if let Some(projects) = filter.projects {
        query = query.filter(record::project_id.eq_any(projects.into_iter().map(String::from)));
    }
    if let Some(task_id) = filter.task_id {
        query = query.filter(record::task_id.eq(task_id.as_uuid()));
    }
    if let Some(status) = filter.status {
        query = of_status(query, status);
    }
    query = match filter.tainted {
        Some(true) => of_status(query, VerificationStatus::Tainted),
        Some(false) => query.filter(record::is_tainted.eq(false)),
        None => query,
    };
    query = match filter.suspect {
        Some(true) => of_status(query, VerificationStatus::Suspect),
        Some(false) => query.filter(record::is_suspect.eq(false)),
        None => query,
    };
    if let Some(model) = filter.model_used {
        query = query.filter(record::model_used.eq(model));
    }
    if let Some(time) = filter.created_after {
        query = query.filter(record::created_at.gt(time.to_utc()));
    }
    if let Some(time) = filter.created_before {
        query = query.filter(record::created_at.lt(time.to_utc()));
    }
    if let Some(place) = after {
        let behind = sql::<Bool>("(created_at, seq) < (")
            .bind::<Timestamptz, _>(place.created_at.to_utc())
            .sql(", ")
            .bind::<BigInt, _>(place.sequence)
            .sql(")");
        query = query.filter(behind);
    }
    query
}

/// Only records that have this status. What is marked has a list of its own; the rest is found by the verdict.
fn of_status<'q>(
    query: provenance_records::BoxedQuery<'q, Pg>,
    status: VerificationStatus,
) -> provenance_records::BoxedQuery<'q, Pg> {
    use provenance_records as record;
    match status {
        VerificationStatus::Tainted | VerificationStatus::Suspect => {
            let marked = marked_records::table.filter(marked_records::status.eq(status.as_str()));
            query.filter(record::seq.eq_any(marked.select(marked_records::seq)))
        }
        VerificationStatus::Pending
        | VerificationStatus::Passed
        | VerificationStatus::Failed
        | VerificationStatus::HumanApproved => {
            query.filter(record::verdict.eq(status.as_str())).filter(record::status.eq(status.as_str()))
        }
    }
}

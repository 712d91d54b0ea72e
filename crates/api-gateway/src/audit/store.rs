//! SQL of the audit log.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::TraceId;
use uuid::Uuid;

use super::entry::{AuditEntry, AuditFilter, AuditPage, RecordedEntry};
use crate::schema::audit_log;
use crate::tasks::store::arrays::array_statement;
use crate::tasks::store::text::storable;

array_statement! {
    /// Entries of the audit log.
    InsertEntries<'a> {
        at: Timestamptz => DateTime<Utc>,
        caller: Text => &'a str,
        caller_name: Text => &'a str,
        peer: Nullable<Text> => Option<&'a str>,
        method: Text => &'a str,
        path: Text => Cow<'a, str>,
        status: SmallInt => i16,
        location: Nullable<Text> => Option<&'a str>,
        trace_id: SqlUuid => Uuid,
        request_id: Text => &'a str,
    }
    before "INSERT INTO audit_log (at, caller, caller_name, peer, method, path, status, location, trace_id, \
        request_id) SELECT * FROM ";
    after "";
}

/// Stores entries.
pub(crate) async fn insert_entries(
    mut conn: &AsyncPgConnection,
    entries: impl IntoIterator<Item = &AuditEntry>,
) -> QueryResult<()> {
    let mut statement = InsertEntries::default();
    for entry in entries {
        statement.at.push(entry.at.to_utc());
        statement.caller.push(&entry.caller);
        statement.caller_name.push(&entry.caller_name);
        statement.peer.push(entry.peer.as_deref());
        statement.method.push(&entry.method);
        statement.path.push(storable(&entry.path));
        statement.status.push(i16::try_from(entry.status).unwrap_or_default());
        statement.location.push(entry.location.as_deref());
        statement.trace_id.push(entry.trace_id.as_uuid());
        statement.request_id.push(&entry.request_id);
    }
    if statement.at.is_empty() { Ok(()) } else { statement.execute(&mut conn).await.map(|_| ()) }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg))]
struct EntryRow {
    sequence: i64,
    at: DateTime<Utc>,
    caller: String,
    caller_name: String,
    peer: Option<String>,
    method: String,
    path: String,
    status: i16,
    location: Option<String>,
    trace_id: Uuid,
    request_id: String,
}

impl From<EntryRow> for RecordedEntry {
    fn from(row: EntryRow) -> Self {
        let entry = AuditEntry {
            at: row.at.into(),
            caller: row.caller,
            caller_name: row.caller_name,
            peer: row.peer,
            method: row.method,
            path: row.path,
            status: row.status.unsigned_abs(),
            location: row.location,
            trace_id: TraceId(row.trace_id),
            request_id: row.request_id,
        };
        Self { sequence: row.sequence.unsigned_abs(), entry }
    }
}

/// Up to `limit` entries, newest first.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    filter: &AuditFilter,
    limit: u32,
) -> QueryResult<AuditPage> {
    let mut query = audit_log::table.select(EntryRow::as_select()).into_boxed();
    if let Some(caller) = &filter.caller {
        query = query.filter(audit_log::caller.eq(caller));
    }
    if let Some(time) = filter.after {
        query = query.filter(audit_log::at.gt(time.to_utc()));
    }
    if let Some(time) = filter.before {
        query = query.filter(audit_log::at.lt(time.to_utc()));
    }
    if let Some(sequence) = filter.below {
        query = query.filter(audit_log::sequence.lt(sequence.cast_signed()));
    }
    let rows: Vec<EntryRow> =
        query.order(audit_log::sequence.desc()).limit(i64::from(limit) + 1).load(conn).await?;
    let has_more = rows.len() > limit as usize;
    let entries: Vec<RecordedEntry> = rows.into_iter().take(limit as usize).map(Into::into).collect();
    Ok(AuditPage { next: entries.last().filter(|_| has_more).map(|last| last.sequence), entries })
}

/// Forgets up to `limit` entries older than `before`; how many.
pub(crate) async fn delete_before(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM audit_log WHERE ctid = ANY (ARRAY( \
            SELECT ctid FROM audit_log WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

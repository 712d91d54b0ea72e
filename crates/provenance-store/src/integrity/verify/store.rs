//! SQL of the verification: what lies in the database, with nothing taken for granted.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::integrity::chain::Link;
use crate::integrity::store::to_hash;
use crate::records::written::WrittenRecord;
use crate::schema::record_chains;
use crate::statement::statement;

/// Where a project's chain ends, as far as it has one.
pub(super) async fn find_end(
    conn: &mut AsyncPgConnection,
    project_id: &str,
) -> QueryResult<Option<(i64, Vec<u8>)>> {
    record_chains::table
        .find(project_id)
        .select((record_chains::length, record_chains::head))
        .first(conn)
        .await
        .optional()
}

/// A link as it lies in the database: nothing is taken for granted.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct RevisionRow {
    #[diesel(sql_type = BigInt)]
    pub(super) position: i64,
    #[diesel(sql_type = BigInt)]
    record_seq: i64,
    #[diesel(sql_type = SqlUuid)]
    provenance_id: Uuid,
    #[diesel(sql_type = Text)]
    cause: String,
    #[diesel(sql_type = Text)]
    verdict: String,
    #[diesel(sql_type = Timestamptz)]
    revised_at: DateTime<Utc>,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
    #[diesel(sql_type = Binary)]
    pub(super) hash: Vec<u8>,
}

impl RevisionRow {
    /// The link that the row tells of.
    pub(super) fn link(&self) -> QueryResult<Link> {
        Ok(Link {
            record_seq: self.record_seq,
            provenance_id: self.provenance_id,
            cause: self.cause.clone(),
            verdict: self.verdict.clone(),
            revised_at: self.revised_at,
            digest: to_hash(&self.digest)?,
        })
    }
}

statement!(
    /// Links of a project's chain, in their order.
    struct ListRevisions {
        project_id: String as Text,
        after: i64 as BigInt,
        limit: i64 as BigInt,
    }
    "SELECT position, record_seq, provenance_id, cause, verdict, revised_at, digest, hash
     FROM record_revisions WHERE project_id = $1 AND position > $2 ORDER BY position LIMIT $3"
);

/// Links of a project's chain behind that position.
pub(super) async fn list_revisions(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<RevisionRow>> {
    ListRevisions { project_id: project_id.to_owned(), after, limit }.load(conn).await
}

/// Records in their order, as far as `$whose`, each with whether its latest link is about it.
macro_rules! list_chained {
    ($whose:literal) => {
        concat!(
            "SELECT record.seq, record.provenance_id, EXISTS (
                SELECT FROM record_revisions revision
                WHERE revision.project_id = COALESCE(record.project_id, '')
                    AND revision.position = record.chain_position AND revision.cause <> 'marked'
                    AND revision.record_seq = record.seq AND revision.provenance_id = record.provenance_id
            ) AS is_linked
     FROM provenance_records record WHERE ",
            $whose,
            " ORDER BY record.seq LIMIT $3"
        )
    };
}

statement!(
    /// Records of a project.
    struct ListChained { project_id: String as Text, after: i64 as BigInt, limit: i64 as BigInt }
    list_chained!("record.project_id = $1 AND record.seq > $2")
);

statement!(
    /// Records of no project; its name is empty.
    struct ListChainedLoose { project_id: String as Text, after: i64 as BigInt, limit: i64 as BigInt }
    list_chained!("record.project_id IS NULL AND $1 = '' AND record.seq > $2")
);

/// A record, and whether the chain knows it.
#[derive(Debug, QueryableByName)]
pub(super) struct ChainedRecord {
    #[diesel(sql_type = BigInt)]
    pub(super) seq: i64,
    #[diesel(sql_type = SqlUuid)]
    pub(super) provenance_id: Uuid,
    #[diesel(sql_type = Bool)]
    pub(super) is_linked: bool,
}

/// Records of a project behind that place in the record order; of no project, if its name is empty.
pub(super) async fn list_chained(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<ChainedRecord>> {
    let project_id = project_id.to_owned();
    if project_id.is_empty() {
        return ListChainedLoose { project_id, after, limit }.load(conn).await;
    }
    ListChained { project_id, after, limit }.load(conn).await
}

statement!(
    /// Which of these records have their link at that place of a chain. A seal has a number of its own sort.
    struct FindLinked {
        seq: Vec<i64> as Array<BigInt>,
        provenance_id: Vec<Uuid> as Array<SqlUuid>,
        project_id: Vec<String> as Array<Text>,
        position: Vec<i64> as Array<BigInt>,
    }
    "SELECT claim.seq, revision.digest
     FROM UNNEST($1, $2, $3, $4) AS claim (seq, provenance_id, project_id, position)
     JOIN record_revisions revision
        ON revision.project_id = claim.project_id AND revision.position = claim.position
        AND revision.record_seq = claim.seq AND revision.provenance_id = claim.provenance_id
        AND revision.cause <> 'marked'"
);

#[derive(QueryableByName)]
struct Linked {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

/// The digests of the links that these records say are their latest, by the records' places; none where there is no
/// such link.
pub(super) async fn find_linked<'a>(
    conn: &mut AsyncPgConnection,
    records: impl Iterator<Item = (i64, &'a WrittenRecord)>,
) -> QueryResult<HashMap<i64, Vec<u8>>> {
    let mut find = FindLinked::default();
    for (seq, record) in records {
        let Some(position) = record.chain_position else { continue };
        find.seq.push(seq);
        find.provenance_id.push(record.provenance_id);
        find.project_id.push(record.project_id.clone());
        find.position.push(position);
    }
    if find.seq.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<Linked> = find.load(conn).await?;
    Ok(found.into_iter().map(|linked| (linked.seq, linked.digest)).collect())
}

statement!(
    struct FindHash { project_id: String as Text, position: i64 as BigInt }
    "SELECT hash FROM record_revisions WHERE project_id = $1 AND position = $2"
);

#[derive(QueryableByName)]
struct HashRow {
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

/// The hash at that place of a project's chain.
pub(super) async fn find_hash(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    position: i64,
) -> QueryResult<Option<Vec<u8>>> {
    let find = FindHash { project_id: project_id.to_owned(), position };
    let found: Option<HashRow> = find.get_result(conn).await.optional()?;
    Ok(found.map(|row| row.hash))
}

statement!(
    struct FindTraces { project_id: String as Text }
    "SELECT EXISTS (SELECT FROM record_chains chain WHERE chain.project_id = project.id)
        OR EXISTS (SELECT FROM record_revisions link WHERE link.project_id = project.id)
        OR EXISTS (SELECT FROM project_counters counter WHERE counter.project_id = project.id)
        OR EXISTS (SELECT FROM provenance_records record WHERE record.project_id = project.id)
        OR EXISTS (SELECT FROM taint_events event WHERE event.project_id = project.id)
        OR EXISTS (SELECT FROM imported_files file WHERE file.project_id = project.id) AS is_known
     FROM (SELECT $1::text AS id) project"
);

#[derive(QueryableByName)]
struct Traces {
    #[diesel(sql_type = Bool)]
    is_known: bool,
}

/// Whether anything at all is left of a project.
pub(super) async fn is_known(conn: &mut AsyncPgConnection, project_id: &str) -> QueryResult<bool> {
    let traces: Traces = FindTraces { project_id: project_id.to_owned() }.get_result(conn).await?;
    Ok(traces.is_known)
}

//! The account of marks in the projects' chains: a link of the cause "marked" seals every row that was added to the
//! account since the link of that kind before it. One link for many rows, so that a cascade costs one.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::chain::{Cause, Link};
use super::store::{Chains, to_hash};
use crate::statement::statement;

/// A row of the account named `event`, as text that is the same for equal rows. What the record says of its taint is
/// told by newer rows only, and left out where it is not.
macro_rules! canonical_event {
    () => {
        "(jsonb_build_array(event.id, (extract(epoch FROM event.at) * 1000000)::bigint, event.action, event.artifact_id,
            event.record_seq, event.cascade_id, event.depth, event.source_artifact_id, event.reason, event.event_id,
            event.origin)
            || CASE WHEN event.taint IS NULL THEN '[]' ELSE jsonb_build_array(event.taint) END)::text"
    };
}

statement!(
    /// What was added to these projects' accounts since it was sealed last.
    struct ReadUnsealed { project_id: Vec<String> as Array<Text> }
    concat!("SELECT event.project_id, max(event.id) AS last_id,
        sha256(convert_to(string_agg(", canonical_event!(), ", E'\\n' ORDER BY event.id), 'UTF8')) AS digest
     FROM UNNEST($1) AS project (project_id)
     LEFT JOIN LATERAL (
        SELECT record_seq AS up_to FROM record_revisions link
        WHERE link.project_id = project.project_id AND link.cause = 'marked'
        ORDER BY link.position DESC LIMIT 1) sealed ON true
     JOIN taint_events event ON event.project_id = project.project_id AND event.id > COALESCE(sealed.up_to, 0)
     GROUP BY event.project_id ORDER BY event.project_id")
);

#[derive(QueryableByName)]
struct Unsealed {
    #[diesel(sql_type = Text)]
    project_id: String,
    #[diesel(sql_type = BigInt)]
    last_id: i64,
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

/// Seals what was added to the accounts of these projects. For the holder of the
/// [writer lock](crate::writer_lock), in the transaction that added it.
pub(crate) async fn seal(
    conn: &mut AsyncPgConnection,
    projects: BTreeSet<String>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if projects.is_empty() {
        return Ok(());
    }
    let mut chains = Chains::load(conn, projects.iter().map(String::as_str)).await?;
    let unsealed: Vec<Unsealed> =
        ReadUnsealed { project_id: projects.into_iter().collect() }.load(conn).await?;
    let mut links = Vec::with_capacity(unsealed.len());
    for row in unsealed {
        chains.reserve(&row.project_id);
        let link = Link {
            record_seq: row.last_id,
            provenance_id: Uuid::nil(),
            cause: Cause::Marked.as_str().to_owned(),
            verdict: String::new(),
            // The database keeps microseconds.
            revised_at: now.trunc_subsecs(6),
            digest: to_hash(&row.digest)?,
        };
        links.push((row.project_id, link));
    }
    chains.link(links).save(conn).await
}

statement!(
    /// Up to which row a project's account was sealed at that position of its chain.
    struct FindSealed { project_id: String as Text, position: i64 as BigInt }
    "SELECT record_seq AS up_to FROM record_revisions
     WHERE project_id = $1 AND cause = 'marked' AND position <= $2 ORDER BY position DESC LIMIT 1"
);

#[derive(QueryableByName)]
struct Sealed {
    #[diesel(sql_type = BigInt)]
    up_to: i64,
}

/// The last row of a project's account that its chain seals up to that position; 0 if there is none.
pub(crate) async fn find_sealed(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    position: i64,
) -> QueryResult<i64> {
    let find = FindSealed { project_id: project_id.to_owned(), position };
    let sealed: Option<Sealed> = find.get_result(conn).await.optional()?;
    Ok(sealed.map_or(0, |sealed| sealed.up_to))
}

statement!(
    /// Digests over parts of a project's account, computed anew; none of an empty part.
    struct DigestParts {
        project_id: String as Text,
        after: Vec<i64> as Array<BigInt>,
        up_to: Vec<i64> as Array<BigInt>,
    }
    concat!("SELECT part.up_to, CASE WHEN count(event.id) > 0 THEN
        sha256(convert_to(string_agg(", canonical_event!(), ", E'\\n' ORDER BY event.id), 'UTF8')) END AS digest
     FROM (SELECT $1::text AS project_id) whose
     CROSS JOIN UNNEST($2, $3) AS part (after, up_to)
     LEFT JOIN taint_events event
        ON event.project_id = whose.project_id AND event.id > part.after AND event.id <= part.up_to
     GROUP BY part.up_to")
);

/// A part of an account, by its last row.
#[derive(QueryableByName)]
pub(crate) struct Part {
    #[diesel(sql_type = BigInt)]
    pub(crate) up_to: i64,
    /// None if there is nothing in it.
    #[diesel(sql_type = Nullable<Binary>)]
    pub(crate) digest: Option<Vec<u8>>,
}

/// What parts of a project's account are now. Each reaches from behind one row up to another.
pub(crate) async fn digest_parts(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    parts: &[(i64, i64)],
) -> QueryResult<Vec<Part>> {
    let (after, up_to) = parts.iter().copied().unzip();
    DigestParts { project_id: project_id.to_owned(), after, up_to }.load(conn).await
}

statement!(
    /// Whether there is anything in a project's account behind that row.
    struct FindBehind { project_id: String as Text, after: i64 as BigInt }
    "SELECT id AS up_to FROM taint_events WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT 1"
);

/// Whether anything was added to a project's account behind that row.
pub(crate) async fn is_more_behind(
    conn: &mut AsyncPgConnection,
    project_id: &str,
    after: i64,
) -> QueryResult<bool> {
    let find = FindBehind { project_id: project_id.to_owned(), after };
    let found: Option<Sealed> = find.get_result(conn).await.optional()?;
    Ok(found.is_some())
}

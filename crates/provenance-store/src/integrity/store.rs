//! SQL of the chains.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use uuid::Uuid;

use super::chain::{Hash, Link, beginning};
use crate::schema::record_chains;
use crate::statement::statement;

/// Where the chains of some projects end. Only the holder of the [writer lock](crate::writer_lock) may extend them.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    ends: BTreeMap<String, End>,
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// Links in the chain.
    pub(crate) length: i64,
    /// Hash of the last.
    pub(crate) head: Hash,
    /// Places given out behind it.
    reserved: i64,
}

impl Chains {
    /// The chains of these projects; empty text for records of unknown project.
    pub(crate) async fn load(
        conn: &AsyncPgConnection,
        projects: impl IntoIterator<Item = &str>,
    ) -> QueryResult<Self> {
        let mut ends: BTreeMap<String, End> = projects
            .into_iter()
            .map(|project| (project.to_owned(), End { length: 0, head: beginning(project), reserved: 0 }))
            .collect();
        if ends.is_empty() {
            return Ok(Self { ends });
        }
        let names: Vec<&String> = ends.keys().collect();
        let known: Vec<(String, i64, Vec<u8>)> = record_chains::table
            .filter(record_chains::project_id.eq_any(names))
            .select((record_chains::project_id, record_chains::length, record_chains::head))
            .load(&mut &*conn)
            .await?;
        for (project_id, length, head) in known {
            ends.insert(project_id, End { length, head: to_hash(&head)?, reserved: 0 });
        }
        Ok(Self { ends })
    }

    /// The next free place in a project's chain; whoever gets it must fill it.
    pub(crate) fn reserve(&mut self, project_id: &str) -> i64 {
        let end = self.ends.entry(project_id.to_owned()).or_insert_with(|| End {
            length: 0,
            head: beginning(project_id),
            reserved: 0,
        });
        end.reserved += 1;
        end.length + end.reserved
    }

    /// Fills the reserved places: the links of each project in the order of their places. They are to be saved.
    pub(crate) fn link(mut self, links: Vec<(String, Link)>) -> NewLinks {
        let mut new = NewLinks::default();
        for (project_id, link) in links {
            let Some(end) = self.ends.get_mut(&project_id) else { continue };
            end.length += 1;
            end.head = link.hash(&end.head, end.length);
            new.rows.push(project_id, *end, link);
        }
        for (project_id, end) in self.ends.into_iter().filter(|(_, end)| end.reserved > 0) {
            new.ends.project_id.push(project_id);
            new.ends.length.push(end.length);
            new.ends.head.push(end.head.to_vec());
        }
        new
    }
}

/// Links that are not written yet, and where the chains end with them.
#[derive(Debug, Default)]
#[must_use = "places were reserved for them"]
pub(crate) struct NewLinks {
    rows: InsertRevisions,
    ends: SaveEnds,
}

impl NewLinks {
    /// Writes them.
    pub(crate) async fn save(self, conn: &AsyncPgConnection) -> QueryResult<()> {
        if !self.rows.position.is_empty() {
            try_join!(self.rows.execute(&mut &*conn), self.ends.execute(&mut &*conn))?;
        }
        Ok(())
    }
}

statement!(
    /// Writes links.
    struct InsertRevisions {
        project_id: Vec<String> as Array<Text>,
        position: Vec<i64> as Array<BigInt>,
        record_seq: Vec<i64> as Array<BigInt>,
        provenance_id: Vec<Uuid> as Array<SqlUuid>,
        cause: Vec<String> as Array<Text>,
        verdict: Vec<String> as Array<Text>,
        revised_at: Vec<DateTime<Utc>> as Array<Timestamptz>,
        digest: Vec<Vec<u8>> as Array<Binary>,
        hash: Vec<Vec<u8>> as Array<Binary>,
    }
    "INSERT INTO record_revisions (
        project_id, position, record_seq, provenance_id, cause, verdict, revised_at, digest, hash)
     SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9)"
);

impl InsertRevisions {
    fn push(&mut self, project_id: String, end: End, link: Link) {
        self.project_id.push(project_id);
        self.position.push(end.length);
        self.record_seq.push(link.record_seq);
        self.provenance_id.push(link.provenance_id);
        self.cause.push(link.cause);
        self.verdict.push(link.verdict);
        self.revised_at.push(link.revised_at);
        self.digest.push(link.digest.to_vec());
        self.hash.push(end.head.to_vec());
    }
}

statement!(
    /// Writes where chains end now.
    struct SaveEnds {
        project_id: Vec<String> as Array<Text>,
        length: Vec<i64> as Array<BigInt>,
        head: Vec<Vec<u8>> as Array<Binary>,
    }
    "INSERT INTO record_chains (project_id, length, head) SELECT * FROM UNNEST($1, $2, $3)
     ON CONFLICT (project_id) DO UPDATE SET length = EXCLUDED.length, head = EXCLUDED.head"
);

/// As the database holds it.
pub(super) fn to_hash(bytes: &[u8]) -> QueryResult<Hash> {
    Hash::try_from(bytes).map_err(crate::records::rows::unreadable)
}

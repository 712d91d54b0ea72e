//! What somebody means who names an artifact, a record or a task.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use protocol::provenance_query::MarkTargetView;
use protocol::{ArtifactId, ProvenanceId};
use uuid::Uuid;

use super::standing::find_standing;
use super::store::{MarkedRecord, Version, list_marked_records, list_marks, list_outputs, list_versions};
use crate::artifacts::store::ensure_nodes;
use crate::graph::find_start;
use crate::schema::provenance_records;
use crate::statement::statement;

/// The newest version of each artifact the id of which is `$named`; one that nobody produced if there is no other.
macro_rules! select_newest {
    ($named:literal) => {
        concat!(
            "SELECT DISTINCT ON (artifact_id) id, artifact_id, producer_seq FROM artifacts WHERE artifact_id ",
            $named,
            " ORDER BY artifact_id, producer_seq IS NULL, produced_at DESC, reported_by DESC"
        )
    };
}

pub(super) use select_newest;

statement!(
    /// See the macro.
    struct ListNewest { names: Vec<String> as Array<Text> }
    select_newest!("= ANY ($1)")
);

statement!(
    /// Whether these versions are the newest of their artifacts.
    struct ListIsNewest { nodes: Vec<i64> as Array<BigInt> }
    "SELECT this.artifact_id, NOT EXISTS (
        SELECT FROM artifacts other WHERE other.artifact_id = this.artifact_id
            AND (other.produced_at, other.reported_by) > (this.produced_at, this.reported_by)) AS is_newest
     FROM artifacts this WHERE this.id = ANY ($1) ORDER BY this.produced_at, this.position"
);

#[derive(QueryableByName)]
struct IsNewest {
    #[diesel(sql_type = Text)]
    artifact_id: String,
    #[diesel(sql_type = Bool)]
    is_newest: bool,
}

/// Versions of artifacts, and their record where a record is meant.
#[derive(Debug, Clone)]
pub struct MarkTarget {
    /// The artifact; of a record the main one, of one without any the id that was asked for.
    pub artifact_id: String,
    /// The record; none for an artifact that nobody produced.
    pub(super) record: Option<MarkedRecord>,
    /// The versions that are meant.
    pub(super) versions: Vec<Version>,
}

impl MarkTarget {
    /// One version, with the record that produced it.
    async fn of(conn: &mut AsyncPgConnection, version: Version) -> QueryResult<Self> {
        let record = match version.producer_seq {
            Some(seq) => list_marked_records(conn, &[seq]).await?.pop(),
            None => None,
        };
        Ok(Self { artifact_id: version.artifact_id.clone(), record, versions: vec![version] })
    }

    /// Whether that is one of the versions that are meant.
    pub(super) fn names(&self, artifact_id: &ArtifactId) -> bool {
        self.versions.iter().any(|version| version.artifact_id == artifact_id.as_str())
    }

    fn seq(&self) -> Option<i64> {
        self.record.as_ref().map(|record| record.seq)
    }

    /// Everything that bears the marks of the record, or the one version if there is no record.
    pub(super) async fn all_versions(&self, conn: &mut AsyncPgConnection) -> QueryResult<Vec<Version>> {
        match &self.record {
            Some(record) => list_outputs(conn, vec![record.seq]).await,
            None => Ok(self.versions.clone()),
        }
    }

    /// As the gateway wants to know it.
    ///
    /// # Errors
    /// The database's.
    pub async fn view(&self, conn: &mut AsyncPgConnection) -> QueryResult<MarkTargetView> {
        let nodes: Vec<i64> = self.versions.iter().map(|version| version.id).collect();
        let marks = list_marks(conn, nodes.clone()).await?;
        let taint = nodes.iter().filter_map(|node| marks.get(node)).find(|mark| mark.is_taint);
        let all_tainted = if nodes.is_empty() {
            self.record.as_ref().is_some_and(|record| record.is_tainted)
        } else {
            nodes.iter().all(|node| marks.get(node).is_some_and(|mark| mark.is_taint && mark.after_seq == 0))
        };
        let record_cascade = self.record.as_ref().and_then(|record| record.cascade_id.clone());
        let names = self.versions.iter().map(|version| version.artifact_id.clone()).collect();
        Ok(MarkTargetView {
            standing: Some(find_standing(conn, names).await?),
            provenance_id: self.record.as_ref().map(|record| ProvenanceId(record.provenance_id)),
            artifact_ids: self
                .versions
                .iter()
                .filter_map(|version| ArtifactId::new(version.artifact_id.clone()).ok())
                .collect(),
            newest: newest_names(conn, nodes).await?,
            is_tainted: all_tainted,
            cascade_id: taint.map(|mark| mark.cascade_id.clone()).or(record_cascade),
        })
    }
}

/// The names of those of the versions that are the newest of their artifacts.
pub(super) async fn newest_names(
    conn: &mut AsyncPgConnection,
    nodes: Vec<i64>,
) -> QueryResult<Vec<ArtifactId>> {
    let rows: Vec<IsNewest> = ListIsNewest { nodes }.load(conn).await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.is_newest)
        .filter_map(|row| ArtifactId::new(row.artifact_id).ok())
        .collect())
}

/// The record of this provenance id with everything it produced; else the newest version of the artifact of this
/// id; else the newest record of the task with this id.
///
/// # Errors
/// The database's.
pub async fn find_target(conn: &mut AsyncPgConnection, id: &str) -> QueryResult<Option<MarkTarget>> {
    let Some(start) = find_start(conn, id).await? else { return Ok(None) };
    let record = match start.producer {
        Some(seq) => list_marked_records(conn, &[seq]).await?.pop(),
        None => None,
    };
    let versions = list_versions(conn, start.nodes).await?;
    Ok(Some(MarkTarget { artifact_id: start.artifact_id, record, versions }))
}

/// The record with everything it produced.
pub(super) async fn find_record(
    conn: &mut AsyncPgConnection,
    provenance_id: Uuid,
) -> QueryResult<Option<MarkTarget>> {
    let record: Option<MarkedRecord> = provenance_records::table
        .filter(provenance_records::provenance_id.eq(provenance_id))
        .select(MarkedRecord::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(record) = record else { return Ok(None) };
    let versions = list_outputs(conn, vec![record.seq]).await?;
    let main = versions.as_slice().first().map(|version| version.artifact_id.clone());
    let artifact_id = main.unwrap_or_else(|| provenance_id.to_string());
    Ok(Some(MarkTarget { artifact_id, record: Some(record), versions }))
}

/// What is meant by these names, the newest version of each; or by this record. `None` if the record is not known.
///
/// # Errors
/// The database's.
pub async fn find_targets(
    conn: &mut AsyncPgConnection,
    names: &[ArtifactId],
    provenance_id: Option<ProvenanceId>,
) -> QueryResult<Option<Vec<MarkTarget>>> {
    if let Some(provenance_id) = provenance_id {
        return Ok(find_record(conn, provenance_id.as_uuid()).await?.map(|target| vec![target]));
    }
    let mut targets: Vec<MarkTarget> = Vec::new();
    for version in newest_versions(conn, names.iter().map(ToString::to_string).collect()).await? {
        let seq = version.producer_seq;
        let same = targets.iter_mut().find(|known| seq.is_some() && known.seq() == seq);
        match same {
            Some(known) => known.versions.push(version),
            None => targets.push(MarkTarget::of(conn, version).await?),
        }
    }
    Ok(Some(targets))
}

async fn newest_versions(conn: &mut AsyncPgConnection, names: Vec<String>) -> QueryResult<Vec<Version>> {
    ListNewest { names }.load(conn).await
}

/// What an event names: versions, and the record of one without outputs.
pub(super) struct Named {
    pub(super) versions: Vec<Version>,
    pub(super) record: Option<MarkedRecord>,
}

/// What is meant by these names and this record; `None` if the record is not known. Artifacts that were never heard
/// of are written down: they may be on their way.
pub(super) async fn find_named(
    conn: &mut AsyncPgConnection,
    names: &[ArtifactId],
    provenance_id: Option<ProvenanceId>,
) -> QueryResult<Option<Named>> {
    let Some(provenance_id) = provenance_id else {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        ensure_nodes(conn, names.clone()).await?;
        return Ok(Some(Named { versions: newest_versions(conn, names).await?, record: None }));
    };
    let Some(MarkTarget { record, mut versions, .. }) = find_record(conn, provenance_id.as_uuid()).await?
    else {
        return Ok(None);
    };
    if !names.is_empty() {
        versions.retain(|version| names.iter().any(|name| name.as_str() == version.artifact_id));
    }
    Ok(Some(Named { versions, record }))
}

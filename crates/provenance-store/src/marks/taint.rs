//! Something was found wrong: it is marked, and everything that is built on it becomes suspect, whole, in the
//! caller's transaction. Doing it again changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::sql_types::BigInt;
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use messaging::OutboxEntry;
use protocol::events::{ArtifactTainted, CascadeCompleted, CascadeStarted, JsonObject};
use protocol::{ArtifactId, EventId, ProvenanceId};
use serde_json::json;

use super::MarkRules;
use super::account::{Accounted, Action, Line, write_lines};
use super::announcement::{Cause, suspects};
use super::refresh::{change_counters, write_labels};
use super::spread::Label;
use super::store::{
    MarkRow, MarkedRecord, NewMark, Taint, Version, list_marked_records, list_marks, list_outputs,
    list_versions, mark_tainted, next_wave, put_marks,
};
use super::target::{Named, find_named};
use super::walk::walk_downstream;
use crate::project_counters::CounterChanges;
use crate::records::projection::Marks;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaintOrder {
    /// Artifacts by name.
    pub artifact_ids: Vec<ArtifactId>,
    /// The record whose versions are meant; the newest ones when absent.
    pub provenance_id: Option<ProvenanceId>,
    /// The cascade, where somebody named it.
    pub cascade_id: Option<String>,
    /// The artifact that led to it.
    pub source_id: Option<ArtifactId>,
    /// Who says so.
    pub by: Option<String>,
    /// Whether what is built on it already becomes suspect.
    pub propagate: bool,
}

/// A taint on its way, once it is clear that it changes something.
struct Begun<'a> {
    order: &'a TaintOrder,
    cascade_id: String,
    wave: i64,
    /// Versions to be marked, with the depth to count on from.
    starts: Vec<(Version, u32)>,
}

/// Marks what the order names. `None` if it names a record that is not known.
///
/// # Errors
/// The database's.
pub async fn taint(
    conn: &mut AsyncPgConnection,
    order: &TaintOrder,
    cause: &Cause<'_>,
    rules: MarkRules,
) -> QueryResult<Option<Vec<OutboxEntry>>> {
    let Some(named) = find_named(conn, &order.artifact_ids, order.provenance_id).await? else {
        return Ok(None);
    };
    let fresh = unmarked(conn, &named, order.propagate).await?;
    let seqs: BTreeSet<i64> = fresh.iter().filter_map(|version| version.producer_seq).collect();
    let mut records = list_marked_records(conn, &seqs.into_iter().collect::<Vec<_>>()).await?;
    records.extend(named.record.filter(|record| named.versions.is_empty() && !record.is_tainted));
    if fresh.is_empty() && records.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let cascade_id = cascade_of(order, cause, &records);
    let starts = fresh.into_iter().map(|version| {
        let continued = records
            .iter()
            .find(|record| Some(record.seq) == version.producer_seq)
            .filter(|record| record.is_suspect && record.cascade_id.as_ref() == Some(&cascade_id));
        let depth = continued.and_then(MarkedRecord::label).map_or(0, |label| label.depth);
        (version, depth)
    });
    let starts = starts.collect();
    let begun = Begun { order, wave: next_wave(conn).await?, starts, cascade_id };
    let beside = begun.mark_itself(conn, &records, cause).await?;
    let mut entries = begun.announce_beside(&records, &beside, cause)?;
    if order.propagate && !begun.starts.is_empty() {
        let suspected = begun.mark_dependents(conn, cause, rules).await?;
        entries.extend(begun.announce(cause, &suspected)?);
    }
    Ok(Some(entries))
}

/// Those of the versions that the taint would change.
async fn unmarked(conn: &mut AsyncPgConnection, named: &Named, propagate: bool) -> QueryResult<Vec<Version>> {
    let marks = list_marks(conn, named.versions.iter().map(|version| version.id).collect()).await?;
    let is_known = |version: &&Version| {
        marks.get(&version.id).is_some_and(|mark| mark.is_taint && (mark.after_seq == 0 || !propagate))
    };
    Ok(named.versions.iter().filter(|version| !is_known(version)).cloned().collect())
}

/// The cascade that was named; else that of the suspicion which turns out right; else a new one.
fn cascade_of(order: &TaintOrder, cause: &Cause<'_>, records: &[MarkedRecord]) -> String {
    let continued = || {
        let suspect = records.iter().find(|record| record.is_suspect);
        suspect.and_then(|record| record.cascade_id.clone())
    };
    let new = || match cause.event {
        Some(event) => EventId::derived(event.id, "cascade"),
        None => EventId::generate(),
    };
    order.cascade_id.clone().or_else(continued).unwrap_or_else(|| new().to_string())
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// The last place in the record order.
pub(crate) async fn last_seq(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    let last: Last = diesel::sql_query("SELECT COALESCE(max(seq), 0) AS seq FROM provenance_records")
        .get_result(conn)
        .await?;
    Ok(last.seq)
}

/// What else a tainted record made is tainted with it, for everything that comes later: what was made of that before is
/// left alone.
pub(super) async fn mark_beside(
    conn: &mut AsyncPgConnection,
    beside: &[Version],
    wave: i64,
    cascade_id: &str,
    cause: &Cause<'_>,
) -> QueryResult<()> {
    if beside.is_empty() {
        return Ok(());
    }
    let mark = NewMark {
        is_taint: true,
        wave,
        after_seq: last_seq(conn).await?,
        depth: 0,
        cascade_id,
        reason: cause.reason,
        source_id: None,
        at: cause.now,
    };
    put_marks(conn, beside.iter().map(|version| version.id).collect(), &mark).await
}

/// Those of the versions that bear no taint.
pub(super) fn untainted(versions: Vec<Version>, marks: &HashMap<i64, MarkRow>) -> Vec<Version> {
    let is_tainted = |version: &Version| marks.get(&version.id).is_some_and(|mark| mark.is_taint);
    versions.into_iter().filter(|version| !is_tainted(version)).collect()
}

impl Begun<'_> {
    async fn mark_itself(
        &self,
        conn: &mut AsyncPgConnection,
        records: &[MarkedRecord],
        cause: &Cause<'_>,
    ) -> QueryResult<Vec<Version>> {
        let after_seq = if self.order.propagate { 0 } else { last_seq(conn).await? };
        let mut by_depth: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
        for (version, depth) in &self.starts {
            by_depth.entry(*depth).or_default().push(version.id);
        }
        let source = self.order.source_id.as_ref().map(ArtifactId::as_str);
        for (depth, nodes) in by_depth {
            let mark = NewMark {
                is_taint: true,
                wave: self.wave,
                after_seq,
                depth,
                cascade_id: &self.cascade_id,
                reason: cause.reason,
                source_id: source,
                at: cause.now,
            };
            put_marks(conn, nodes, &mark).await?;
        }
        let made = list_outputs(conn, records.iter().map(|record| record.seq).collect()).await?;
        let marks = list_marks(conn, made.iter().map(|version| version.id).collect()).await?;
        let beside = untainted(made, &marks);
        mark_beside(conn, &beside, self.wave, &self.cascade_id, cause).await?;
        let new: Vec<&MarkedRecord> = records.iter().filter(|record| !record.is_tainted).collect();
        let taint = Taint {
            reason: cause.reason,
            by: self.order.by.as_deref().or(source),
            cascade_id: &self.cascade_id,
            at: cause.now,
            rollback_id: None,
        };
        mark_tainted(conn, new.iter().map(|record| record.seq).collect(), &taint).await?;
        let mut counters = CounterChanges::default();
        for record in &new {
            change_counters(&mut counters, record, Marks { is_tainted: true, is_suspect: false });
        }
        counters.save(conn).await?;
        write_lines(conn, Action::Taint, cause, self.lines(records, &beside)).await?;
        Ok(beside)
    }

    /// One line for each version; one for a record that has none.
    fn lines(&self, records: &[MarkedRecord], beside: &[Version]) -> Vec<Line> {
        let line = |seq, node, depth| Line {
            seq,
            node,
            cascade_id: Some(self.cascade_id.clone()),
            depth,
            source: self.order.source_id.as_ref().map(ToString::to_string),
        };
        if self.starts.is_empty() {
            return records.iter().map(|record| line(Some(record.seq), None, 0)).collect();
        }
        let starts = self.starts.iter().map(|(version, depth)| (version, *depth));
        let all = starts.chain(beside.iter().map(|version| (version, 0)));
        all.map(|(version, depth)| line(version.producer_seq, Some(version.id), depth)).collect()
    }

    /// A new wave is newer than every clearing, so it comes everywhere.
    async fn mark_dependents(
        &self,
        conn: &mut AsyncPgConnection,
        cause: &Cause<'_>,
        rules: MarkRules,
    ) -> QueryResult<Vec<Accounted>> {
        let starts: Vec<(i64, u32)> =
            self.starts.iter().map(|(version, depth)| (version.id, *depth)).collect();
        let found = walk_downstream(conn, &starts, rules).await?;
        let versions = list_versions(conn, found.keys().copied().collect()).await?;
        let mut labels: HashMap<i64, Label> = HashMap::new();
        for version in versions {
            let (Some(seq), Some(reach)) = (version.producer_seq, found.get(&version.id)) else { continue };
            let label = Label { wave: self.wave, depth: reach.depth, origin: reach.origin };
            let known = labels.entry(seq).or_insert(label);
            if (label.depth, label.origin) < (known.depth, known.origin) {
                *known = label;
            }
        }
        let seqs: Vec<i64> = labels.keys().copied().collect();
        let records = list_marked_records(conn, &seqs).await?;
        let labelled = records.into_iter().map(|record| {
            let label = labels.get(&record.seq).copied();
            (record, label)
        });
        Ok(write_labels(conn, labelled.collect(), cause).await?.suspected)
    }

    /// `artifact.tainted` for what the order did not name, for whoever keeps copies.
    fn announce_beside(
        &self,
        records: &[MarkedRecord],
        beside: &[Version],
        cause: &Cause<'_>,
    ) -> QueryResult<Vec<OutboxEntry>> {
        let mut entries = Vec::new();
        for (part, record) in records.iter().enumerate() {
            let made = beside.iter().filter(|version| version.producer_seq == Some(record.seq));
            let artifact_ids: Vec<ArtifactId> =
                made.filter_map(|version| ArtifactId::new(version.artifact_id.clone()).ok()).collect();
            if artifact_ids.is_empty() {
                continue;
            }
            let tainted = ArtifactTainted {
                artifact_ids,
                provenance_id: Some(ProvenanceId(record.provenance_id)),
                cascade_id: Some(self.cascade_id.clone()),
                reason: cause.reason.to_owned(),
                source_id: self.order.source_id.clone(),
                propagate: Some(false),
                ..ArtifactTainted::default()
            };
            entries.push(cause.event(&format!("/beside/{part}"), tainted)?);
        }
        Ok(entries)
    }

    fn announce(&self, cause: &Cause<'_>, suspected: &[Accounted]) -> QueryResult<Vec<OutboxEntry>> {
        let mut entries = Vec::new();
        let first = self
            .starts
            .as_slice()
            .first()
            .and_then(|(version, _)| ArtifactId::new(version.artifact_id.clone()).ok());
        if let Some(artifact_id) = first {
            let started = CascadeStarted {
                cascade_id: self.cascade_id.clone(),
                artifact_id,
                reason: cause.reason.to_owned(),
            };
            entries.push(cause.event("", started)?);
        }
        entries.extend(suspects(cause, suspected)?);
        let stats = JsonObject::from_iter([
            ("tainted".to_owned(), json!(self.starts.len())),
            ("suspect".to_owned(), json!(suspected.iter().filter(|one| one.artifact_id.is_some()).count())),
            ("max_depth".to_owned(), json!(suspected.iter().map(|one| one.depth).max().unwrap_or_default())),
        ]);
        entries.push(cause.event("", CascadeCompleted { cascade_id: self.cascade_id.clone(), stats })?);
        Ok(entries)
    }
}

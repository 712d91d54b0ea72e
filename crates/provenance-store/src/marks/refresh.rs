//! Brings records up to date whose surroundings changed: what reaches them, and what reaches everything that is
//! built on them, is worked out anew from marks, edges and clearings.

mod imported;

pub use imported::follow_imported;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use messaging::OutboxEntry;

use super::MarkRules;
use super::account::{Accounted, Action, Line, write_lines};
use super::announcement::{Cause, suspects};
use super::spread::{Label, Region, spread};
use super::store::{
    MarkRow, MarkedRecord, NewLabel, Taint, list_marked_records, list_marks, list_outputs, list_versions,
    mark_tainted, save_labels,
};
use super::taint::{mark_beside, untainted};
use super::walk::walk_downstream;
use crate::graph::{Direction, Limits, walk};
use crate::project_counters::CounterChanges;
use crate::records::projection::Marks;
use crate::statement::statement;

statement!(
    /// Those of the records that a mark may matter to: they are reached, bear a mark, or used something that does.
    struct ListConcerned { seqs: Vec<i64> as Array<BigInt> }
    "SELECT touched.seq FROM UNNEST($1) AS touched (seq)
     WHERE EXISTS (SELECT FROM artifact_marks) AND (
        EXISTS (SELECT FROM provenance_records record
            WHERE record.seq = touched.seq AND record.mark_wave IS NOT NULL)
        OR EXISTS (SELECT FROM artifacts made JOIN artifact_marks mark ON mark.node_id = made.id
            WHERE made.producer_seq = touched.seq)
        OR EXISTS (SELECT FROM artifacts made
            JOIN artifact_dependencies edge ON edge.output_id = made.id
            JOIN artifacts used ON used.id = edge.input_id
            LEFT JOIN artifact_marks mark ON mark.node_id = used.id
            LEFT JOIN provenance_records producer ON producer.seq = used.producer_seq
            WHERE made.producer_seq = touched.seq
                AND (mark.node_id IS NOT NULL OR producer.mark_wave IS NOT NULL)))"
);

#[derive(QueryableByName)]
struct Concerned {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// What became of records that were written, or whose edges were.
#[derive(Debug, Default)]
pub struct Followed {
    /// Events to publish; they are not in the outbox yet.
    pub entries: Vec<OutboxEntry>,
    /// Records that turned out to have made something that was found wrong before.
    pub tainted: HashSet<i64>,
    /// What these records, and others that went on to make more of it, have made.
    pub wrong: Vec<String>,
}

/// Lets marks come to records that are new or whose edges changed. Costs one look when there is no mark at all.
///
/// # Errors
/// The database's.
pub async fn follow_records(
    conn: &mut AsyncPgConnection,
    touched: Vec<i64>,
    cause: &Cause<'_>,
    rules: MarkRules,
) -> QueryResult<Followed> {
    if touched.is_empty() {
        return Ok(Followed::default());
    }
    let concerned = list_concerned(conn, touched).await?;
    if concerned.is_empty() {
        return Ok(Followed::default());
    }
    let Makers { tainted, made } = taint_makers(conn, &concerned, cause).await?;
    let refreshed = refresh(conn, &concerned, cause, rules).await?;
    Ok(Followed { entries: suspects(cause, &refreshed.suspected)?, tainted, wrong: made })
}

async fn list_concerned(conn: &mut AsyncPgConnection, seqs: Vec<i64>) -> QueryResult<Vec<i64>> {
    let concerned: Vec<Concerned> = ListConcerned { seqs }.load(conn).await?;
    Ok(concerned.into_iter().map(|row| row.seq).collect())
}

/// Records that are tainted by what they made.
#[derive(Debug, Default)]
struct Makers {
    /// Those that were not so before.
    tainted: HashSet<i64>,
    /// Everything that was made by those of which anything is tainted since.
    made: Vec<String>,
}

/// Somebody found an artifact wrong before it was known who made it: now it is.
async fn taint_makers(
    conn: &mut AsyncPgConnection,
    makers: &[i64],
    cause: &Cause<'_>,
) -> QueryResult<Makers> {
    let outputs = list_outputs(conn, makers.to_vec()).await?;
    let marks = list_marks(conn, outputs.iter().map(|version| version.id).collect()).await?;
    let mut found: HashMap<i64, &MarkRow> = HashMap::new();
    for version in &outputs {
        if let (Some(seq), Some(mark)) = (version.producer_seq, marks.get(&version.id))
            && mark.is_taint
        {
            found.entry(seq).or_insert(mark);
        }
    }
    let records = list_marked_records(conn, &found.keys().copied().collect::<Vec<_>>()).await?;
    let mut counters = CounterChanges::default();
    let mut makers = Makers::default();
    for record in &records {
        let Some(mark) = found.get(&record.seq) else { continue };
        let cause = Cause { reason: &mark.reason, ..*cause };
        let made = outputs.iter().filter(|version| version.producer_seq == Some(record.seq));
        let beside = untainted(made.clone().cloned().collect(), &marks);
        if record.is_tainted && beside.is_empty() {
            continue;
        }
        let mut wrong: Vec<i64> = Vec::new();
        if !record.is_tainted {
            mark_tainted(conn, vec![record.seq], &taint_of(mark, cause.now)).await?;
            change_counters(&mut counters, record, Marks { is_tainted: true, is_suspect: false });
            makers.tainted.insert(record.seq);
            wrong.push(mark.node_id);
        }
        mark_beside(conn, &beside, mark.wave, &mark.cascade_id, &cause).await?;
        wrong.extend(beside.iter().map(|version| version.id));
        let lines = wrong.into_iter().map(|node| Line {
            seq: Some(record.seq),
            node: Some(node),
            cascade_id: Some(mark.cascade_id.clone()),
            ..Line::default()
        });
        write_lines(conn, Action::Taint, &cause, lines).await?;
        makers.made.extend(made.map(|version| version.artifact_id.clone()));
    }
    counters.save(conn).await?;
    Ok(makers)
}

fn taint_of(mark: &MarkRow, at: DateTime<Utc>) -> Taint<'_> {
    Taint { reason: &mark.reason, by: None, cascade_id: &mark.cascade_id, at, rollback_id: None }
}

/// The artifacts that became suspect, or were reached by a newer wave, and those that nothing reaches any longer.
#[derive(Debug, Default)]
pub(super) struct Refreshed {
    pub(super) suspected: Vec<Accounted>,
    pub(super) released: Vec<Accounted>,
}

/// Works out anew what reaches these records and everything built on them.
pub(super) async fn refresh(
    conn: &mut AsyncPgConnection,
    seqs: &[i64],
    cause: &Cause<'_>,
    rules: MarkRules,
) -> QueryResult<Refreshed> {
    let records = list_members(conn, seqs).await?;
    let region = load_region(conn, &records, &HashSet::new(), rules).await?;
    let labels = spread(&region, rules);
    write_labels(conn, records.into_iter().zip(labels).collect(), cause).await
}

/// These records and everything built on them.
async fn list_members(conn: &mut AsyncPgConnection, seqs: &[i64]) -> QueryResult<Vec<MarkedRecord>> {
    let starts: Vec<(i64, u32)> =
        list_outputs(conn, seqs.to_vec()).await?.iter().map(|version| (version.id, 0)).collect();
    let downstream = walk_downstream(conn, &starts, MarkRules::default()).await?;
    let versions = list_versions(conn, downstream.keys().copied().collect()).await?;
    let members: BTreeSet<i64> =
        versions.iter().filter_map(|version| version.producer_seq).chain(seqs.iter().copied()).collect();
    list_marked_records(conn, &members.into_iter().collect::<Vec<_>>()).await
}

/// What leads to these records, as far as the limit lets anything come from there. A record tells of the newest wave that
/// reaches it, which an older one may outrun where there is a limit.
async fn list_leading(conn: &mut AsyncPgConnection, members: &[i64], limit: u32) -> QueryResult<Vec<i64>> {
    let outputs = list_outputs(conn, members.to_vec()).await?;
    let starts: Vec<i64> = outputs.iter().map(|version| version.id).collect();
    let limits = Limits { depth: Some(limit), ..Limits::NONE };
    let upstream = walk(conn, &starts, Direction::Dependencies, limits).await?;
    let members: HashSet<i64> = members.iter().copied().collect();
    let versions = list_versions(conn, upstream.ids()).await?;
    let leading: BTreeSet<i64> = versions.iter().filter_map(|version| version.producer_seq).collect();
    Ok(leading.into_iter().filter(|seq| !members.contains(seq)).collect())
}

statement!(
    /// Every use by these records: of what, and what is known of that. One output stands for all of its record.
    struct ListUses { seqs: Vec<i64> as Array<BigInt> }
    "SELECT member.seq AS user_seq, used.id AS node_id, used.producer_seq,
        producer.mark_wave, producer.mark_depth, producer.mark_origin
     FROM UNNEST($1) AS member (seq)
     CROSS JOIN LATERAL (SELECT id FROM artifacts WHERE producer_seq = member.seq LIMIT 1) made
     JOIN artifact_dependencies edge ON edge.output_id = made.id
     JOIN artifacts used ON used.id = edge.input_id
     LEFT JOIN provenance_records producer ON producer.seq = used.producer_seq"
);

#[derive(QueryableByName)]
struct Use {
    #[diesel(sql_type = BigInt)]
    user_seq: i64,
    #[diesel(sql_type = BigInt)]
    node_id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    producer_seq: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    mark_wave: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    mark_depth: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    mark_origin: Option<i64>,
}

impl Use {
    /// What comes along with what was used, if its producer is not of the region itself.
    fn reach_of_producer(&self) -> Option<Label> {
        let depth = self.mark_depth.and_then(|depth| u32::try_from(depth).ok());
        Some(Label { wave: self.mark_wave?, depth: depth? + 1, origin: self.mark_origin? })
    }
}

/// The records with the edges among them, and with everything that comes to them from elsewhere. What leads to them may
/// follow behind them. Suspicions that came with the files of `doubted` records are left aside.
async fn load_region(
    conn: &mut AsyncPgConnection,
    records: &[MarkedRecord],
    doubted: &HashSet<i64>,
    rules: MarkRules,
) -> QueryResult<Region> {
    let mut seqs: Vec<i64> = records.iter().map(|record| record.seq).collect();
    let mut cleared_wave: Vec<i64> = records.iter().map(|record| record.cleared_wave).collect();
    if let Some(limit) = rules.max_depth {
        let leading = list_leading(conn, &seqs, limit).await?;
        let leading = list_marked_records(conn, &leading).await?;
        seqs.extend(leading.iter().map(|record| record.seq));
        cleared_wave.extend(leading.iter().map(|record| record.cleared_wave));
    }
    let places: HashMap<i64, usize> = seqs.iter().enumerate().map(|(place, &seq)| (seq, place)).collect();
    let uses: Vec<Use> = ListUses { seqs: seqs.clone() }.load(conn).await?;
    let outputs = list_outputs(conn, seqs).await?;
    let nodes: BTreeSet<i64> =
        uses.iter().map(|used| used.node_id).chain(outputs.iter().map(|version| version.id)).collect();
    let mut marks = list_marks(conn, nodes.into_iter().collect()).await?;
    for version in
        outputs.iter().filter(|version| version.producer_seq.is_some_and(|seq| doubted.contains(&seq)))
    {
        if marks.get(&version.id).is_some_and(MarkRow::came_with_file) {
            marks.remove(&version.id);
        }
    }
    let users = vec![Vec::new(); cleared_wave.len()];
    let mut region = Region { cleared_wave, users, ..Region::default() };
    for used in &uses {
        let Some(&user) = places.get(&used.user_seq) else { continue };
        if let Some(mark) = marks.get(&used.node_id)
            && used.user_seq > mark.after_seq
        {
            let arrivals = if mark.is_taint { &mut region.taints } else { &mut region.arrivals };
            arrivals.push((user, mark.label(1)));
        }
        match used.producer_seq.and_then(|seq| places.get(&seq)) {
            Some(&maker) => {
                if let Some(users) = region.users.get_mut(maker) {
                    users.push(user);
                }
            }
            None => region.arrivals.extend(used.reach_of_producer().map(|label| (user, label))),
        }
    }
    // Whoever is suspected itself passes that on like anything that reached it.
    for version in &outputs {
        let place = version.producer_seq.and_then(|seq| places.get(&seq));
        if let (Some(&place), Some(mark)) = (place, marks.get(&version.id))
            && !mark.is_taint
        {
            region.arrivals.push((place, mark.label(0)));
        }
    }
    Ok(region)
}

impl MarkRow {
    /// Whether it is a suspicion that nothing but a file tells of.
    fn came_with_file(&self) -> bool {
        !self.is_taint && self.wave == imported::WAVE
    }

    /// The wave of the mark, so many edges away.
    fn label(&self, edges: u32) -> Label {
        let depth = u32::try_from(self.depth).unwrap_or_default();
        Label { wave: self.wave, depth: depth + edges, origin: self.node_id }
    }
}

/// Writes what reaches records now, with counters and account; leaves alone what is as it was.
pub(super) async fn write_labels(
    conn: &mut AsyncPgConnection,
    labels: Vec<(MarkedRecord, Option<Label>)>,
    cause: &Cause<'_>,
) -> QueryResult<Refreshed> {
    // One without outputs is suspect without being reached, and may be cleared.
    let is_changed = |record: &MarkedRecord, label: &Option<Label>| {
        record.label() != *label || (record.is_suspect && label.is_none())
    };
    let mut changed: Vec<_> =
        labels.into_iter().filter(|(record, label)| is_changed(record, label)).collect();
    if changed.is_empty() {
        return Ok(Refreshed::default());
    }
    changed.sort_by_key(|(record, label)| (label.map(|label| (label.origin, label.depth)), record.seq));
    let origins: BTreeSet<i64> = changed
        .iter()
        .flat_map(|(record, label)| [record.label(), *label])
        .flatten()
        .map(|label| label.origin)
        .collect();
    let origins = list_marks(conn, origins.into_iter().collect()).await?;
    let origin = |label: &Option<Label>| label.and_then(|label| origins.get(&label.origin));
    let new = changed.iter().map(|(record, label)| NewLabel {
        seq: record.seq,
        label: *label,
        origin: origin(label),
    });
    save_labels(conn, new, cause.now).await?;

    let mut counters = CounterChanges::default();
    let (mut suspected, mut released) = (Vec::new(), Vec::new());
    for (record, label) in changed.iter().filter(|(record, _)| !record.is_tainted) {
        change_counters(&mut counters, record, Marks { is_tainted: false, is_suspect: label.is_some() });
        let newly = label.map(|label| label.wave) != record.label().map(|label| label.wave);
        let line = |label: &Option<Label>| Line {
            seq: Some(record.seq),
            node: None,
            cascade_id: origin(label).map(|mark| mark.cascade_id.clone()),
            depth: label.map_or(0, |label| label.depth),
            source: origin(label).map(|mark| mark.artifact_id.clone()),
        };
        match label {
            Some(_) if newly => suspected.push(line(label)),
            Some(_) => {}
            None if !record.is_suspect => {}
            None => released.push(Line { cascade_id: record.cascade_id.clone(), depth: 0, ..line(&None) }),
        }
    }
    counters.save(conn).await?;
    Ok(Refreshed {
        suspected: write_lines(conn, Action::Suspect, cause, suspected).await?,
        released: write_lines(conn, Action::Clear, cause, released).await?,
    })
}

/// Counts a record whose marks change.
pub(super) fn change_counters(counters: &mut CounterChanges, record: &MarkedRecord, marks: Marks) {
    counters.remove(record.project_id.as_deref(), record.marks());
    counters.add(record.project_id.as_deref(), marks);
}

//! Suspicion that came with files. A file tells that its record is suspect, but not because of what. Where something
//! that is known leads to the record, it is suspect because of that, and no longer than that. Where nothing does, its
//! outputs bear a mark: the suspicion stands for itself. Which of both holds is worked out anew with all that comes in,
//! so that the order of files does not matter.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use messaging::OutboxEntry;

use super::{list_concerned, list_members, load_region, taint_makers, write_labels};
use crate::marks::MarkRules;
use crate::marks::announcement::{Cause, suspects};
use crate::marks::spread::{Label, Region, spread};
use crate::marks::store::{MarkedRecord, stored_depth};
use crate::statement::statement;

/// The wave of marks that files bring along: older than any that is set here.
pub(super) const WAVE: i64 = 1;

statement!(
    /// Those of the records that are suspect because their files say so, and of which nobody has said anything since; who
    /// was suspected first comes first.
    struct ListDoubted { seqs: Vec<i64> as Array<BigInt> }
    "SELECT record.seq FROM provenance_records record
     CROSS JOIN LATERAL (
        SELECT action, origin FROM taint_events WHERE record_seq = record.seq AND origin <> 'file'
        ORDER BY id DESC LIMIT 1
     ) last
     WHERE record.seq = ANY ($1) AND record.is_suspect AND last.action = 'suspect' AND last.origin = 'import'
     ORDER BY record.suspect_since, record.provenance_id"
);

#[derive(QueryableByName)]
struct Doubted {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

async fn list_doubted(conn: &mut AsyncPgConnection, seqs: Vec<i64>) -> QueryResult<Vec<i64>> {
    let doubted: Vec<Doubted> = ListDoubted { seqs }.load(conn).await?;
    Ok(doubted.into_iter().map(|row| row.seq).collect())
}

/// As [`super::follow_records`], for records that came with files, and whose marks are accounted for. What becomes of
/// those that were suspect already is told to nobody.
///
/// # Errors
/// The database's.
pub async fn follow_imported(
    conn: &mut AsyncPgConnection,
    touched: Vec<i64>,
    cause: &Cause<'_>,
    rules: MarkRules,
) -> QueryResult<Vec<OutboxEntry>> {
    let mut concerned = list_concerned(conn, touched.clone()).await?;
    concerned.extend(list_doubted(conn, touched).await?);
    concerned.sort_unstable();
    concerned.dedup();
    if concerned.is_empty() {
        return Ok(Vec::new());
    }
    taint_makers(conn, &concerned, cause).await?;
    let records = list_members(conn, &concerned).await?;
    let doubted = settle_sources(conn, &records, rules).await?;
    let region = load_region(conn, &records, &HashSet::new(), rules).await?;
    let labels = records.into_iter().zip(spread(&region, rules));
    let (quiet, told): (Vec<_>, Vec<_>) = labels.partition(|(record, _)| doubted.contains(&record.seq));
    save_quietly(conn, quiet).await?;
    suspects(cause, &write_labels(conn, told, cause).await?.suspected)
}

statement!(
    /// Lets suspicion come from what `source` records made, and from what the other `doubted` ones made no longer.
    struct MoveSources { doubted: Vec<i64> as Array<BigInt>, source: Vec<i64> as Array<BigInt> }
    "WITH doubted AS (SELECT UNNEST($1) AS seq), source AS (SELECT UNNEST($2) AS seq), gone AS (
        DELETE FROM artifact_marks mark USING artifacts node
        WHERE node.id = mark.node_id AND mark.kind = 'suspect' AND mark.wave = 1
            AND node.producer_seq IN (SELECT seq FROM doubted EXCEPT SELECT seq FROM source)
     )
     INSERT INTO artifact_marks (node_id, kind, wave, cascade_id, source_id, marked_at)
     SELECT node.id, 'suspect', 1, COALESCE(record.cascade_id, 'import'), record.suspect_source,
        COALESCE(record.suspect_since, record.created_at)
     FROM source JOIN provenance_records record USING (seq) JOIN artifacts node ON node.producer_seq = seq
     ON CONFLICT (node_id) DO NOTHING"
);

/// Lets those of the records stand for themselves that are suspect because of nothing else; gives all that only their
/// files tell to be suspect.
async fn settle_sources(
    conn: &mut AsyncPgConnection,
    records: &[MarkedRecord],
    rules: MarkRules,
) -> QueryResult<HashSet<i64>> {
    let seqs: Vec<i64> = records.iter().map(|record| record.seq).collect();
    let doubted = list_doubted(conn, seqs.clone()).await?;
    let all: HashSet<i64> = doubted.iter().copied().collect();
    if !doubted.is_empty() {
        let region = load_region(conn, records, &all, rules).await?;
        let place = |seq: &i64| seqs.binary_search(seq).ok();
        let sources = find_sources(region, doubted.iter().filter_map(place).collect(), rules);
        let source = sources.into_iter().filter_map(|place| seqs.get(place).copied()).collect();
        MoveSources { doubted, source }.execute(conn).await?;
    }
    Ok(all)
}

/// Which of the doubted records stand for themselves: as few as it takes, so that clearing one clears what is built on
/// it. Of a circle it is the first.
fn find_sources(mut region: Region, doubted: Vec<usize>, rules: MarkRules) -> Vec<usize> {
    let labels = spread(&region, rules);
    let is_unreached =
        |labels: &[Option<Label>], record: usize| labels.get(record).is_none_or(Option::is_none);
    let unreached: Vec<usize> = doubted.into_iter().filter(|&record| is_unreached(&labels, record)).collect();
    let begun = begin_ways(&region, unreached.iter().copied());
    let mut sources = begin_ways(&region, begun.into_iter().rev());
    let own = Label { wave: WAVE, depth: 0, origin: 0 };
    region.arrivals.extend(sources.iter().map(|&record| (record, own)));
    // Only a limit keeps the suspicion of others from these.
    let labels = spread(&region, rules);
    sources.extend(unreached.into_iter().filter(|&record| is_unreached(&labels, record)));
    sources
}

/// Those of the records to which no way leads from one before. Done once more from behind, no way leads from any.
fn begin_ways(region: &Region, records: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut begun = Vec::new();
    let mut seen = HashSet::new();
    for record in records {
        if seen.contains(&record) {
            continue;
        }
        begun.push(record);
        let mut ways = vec![record];
        while let Some(here) = ways.pop() {
            if region.cleared_wave.get(here).is_some_and(|&cleared| cleared < WAVE) && seen.insert(here) {
                ways.extend(region.users.get(here).into_iter().flatten());
            }
        }
    }
    begun
}

statement!(
    /// Says what reaches records; since when and why they are suspect was told.
    struct SaveReach {
        seq: Vec<i64> as Array<BigInt>,
        wave: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        depth: Vec<Option<i32>> as Array<Nullable<Integer>>,
        origin: Vec<Option<i64>> as Array<Nullable<BigInt>>,
    }
    "UPDATE provenance_records record SET
        mark_wave = told.wave, mark_depth = told.depth, mark_origin = told.origin
     FROM UNNEST($1, $2, $3, $4) AS told (seq, wave, depth, origin) WHERE record.seq = told.seq"
);

async fn save_quietly(
    conn: &mut AsyncPgConnection,
    labels: Vec<(MarkedRecord, Option<Label>)>,
) -> QueryResult<()> {
    let mut save = SaveReach::default();
    for (record, label) in labels.into_iter().filter(|(record, label)| record.label() != *label) {
        save.seq.push(record.seq);
        save.wave.push(label.map(|label| label.wave));
        save.depth.push(label.map(|label| stored_depth(label.depth)));
        save.origin.push(label.map(|label| label.origin));
    }
    if save.seq.is_empty() { Ok(()) } else { save.execute(conn).await.map(|_| ()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(
        cleared: &[i64],
        edges: &[(usize, usize)],
        taints: &[usize],
        limit: Option<u32>,
    ) -> Vec<usize> {
        let mut users = vec![Vec::new(); cleared.len()];
        for &(from, to) in edges {
            users[from].push(to);
        }
        let taint = |&record| (record, Label { wave: WAVE, depth: 1, origin: 1 });
        let taints = taints.iter().map(taint).collect();
        let region = Region { cleared_wave: cleared.to_vec(), users, taints, ..Region::default() };
        let doubted = (0..cleared.len()).filter(|&record| cleared[record] < WAVE).collect();
        find_sources(region, doubted, MarkRules { max_depth: limit })
    }

    #[test]
    fn only_what_nothing_leads_to_stands_for_itself() {
        assert_eq!(sources(&[0; 4], &[(0, 1), (1, 2), (3, 2)], &[0], None), [3]);
        assert_eq!(sources(&[0; 4], &[(2, 1), (1, 0), (3, 0)], &[], None), [3, 2], "in whatever order");
        assert_eq!(
            sources(&[0, 1, 0], &[(0, 1), (1, 2)], &[0], None),
            [2],
            "somebody looked after the one between"
        );
    }

    #[test]
    fn of_a_circle_one_stands_for_all() {
        let circle = [(0, 1), (1, 2), (2, 0), (2, 3)];
        assert_eq!(sources(&[0; 4], &circle, &[], None), [0]);
        assert_eq!(sources(&[0; 5], &[&circle[..], &[(4, 1)]].concat(), &[], None), [4]);
        assert_eq!(sources(&[0; 4], &circle, &[1], None), Vec::<usize>::new());
    }

    #[test]
    fn what_lies_beyond_the_limit_stands_for_itself() {
        assert_eq!(sources(&[0; 4], &[(0, 1), (1, 2), (2, 3)], &[0], Some(2)), [2]);
    }
}

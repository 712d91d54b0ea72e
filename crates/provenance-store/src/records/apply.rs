//! A batch of events becomes records, artifacts, edges and counters, in one transaction.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use futures_util::try_join;
use messaging::{OutboxEntry, inbox, outbox};
use protocol::Event;
use protocol::events::ProvenanceRecorded;
use uuid::Uuid;

use super::chained::{Written, load_chains, write_records};
use super::changes::{GraphChanges, RecordChanges, changed_outputs};
use super::ledger::Ledger;
use super::spending::Spending;
use super::store::{self, Place};
use super::translation::Told;
use crate::artifacts::{edges, store as nodes};
use crate::checkpoints::{self, CheckpointRules};
use crate::costs::PriceList;
use crate::marks::{self, Cause};
use crate::policy::Policy;
use crate::{SOURCE, writer_lock};

/// An event, and what it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The event.
    pub event: Event,
    /// What it tells.
    pub told: Told,
}

/// Applies those events of the batch that were not applied before, all or none; costs follow from `prices`. Returns the events that follow,
/// which are in the outbox already and may be published now.
///
/// # Errors
/// The database's; nothing was changed then.
pub async fn apply_batch(
    conn: &mut AsyncPgConnection,
    batch: Vec<Heard>,
    policy: Policy,
    prices: &PriceList,
    now: DateTime<Utc>,
) -> QueryResult<Vec<OutboxEntry>> {
    let applied = conn.transaction::<_, diesel::result::Error, _>(async |conn| {
        let ids: Vec<_> = batch.iter().map(|heard| heard.event.id).collect();
        let locked = writer_lock::acquire_for_batch(conn);
        let ((), mut first_time) = try_join!(locked, inbox::claim(conn, &ids))?;
        // An event that is in the batch twice is taken once.
        let fresh = batch.into_iter().filter(|heard| first_time.remove(&heard.event.id));
        let (events, told): (Vec<_>, Vec<_>) = fresh.map(|heard| (heard.event, heard.told)).unzip();
        let ledger = Ledger::load_and_absorb(conn, told).await?;
        let saved = save(conn, &ledger, prices, policy.checkpoints, now).await?;
        let Saved { places, touched, produced, due, spending } = saved;
        // What follows from several events at once is told of under an id of its own: it is committed with them.
        let cause = Cause { event: None, reason: "built on something suspect", now };
        let followed = marks::follow_records(conn, touched, &cause, policy.marks).await?;
        let tainted = |id: &Uuid| places.get(id).is_some_and(|place| followed.tainted.contains(&place.seq));
        let mut follow = announce(&ledger, &events, tainted, now)?;
        follow.extend(followed.entries);
        let changed = produced.into_iter().chain(followed.wrong).collect();
        follow.extend(marks::tell_new_versions(conn, changed, &cause).await?);
        follow.extend(checkpoints::take_due(conn, due, policy.checkpoints, now).await?);
        outbox::insert(conn, &follow).await?;
        Ok((follow, spending))
    });
    let (follow, spending) = applied.await?;
    spending.record();
    Ok(follow)
}

/// What was written.
struct Saved {
    /// Where the new and changed records lie.
    places: HashMap<Uuid, Place>,
    /// Records that are new, or whose edges may have changed.
    touched: Vec<i64>,
    /// Artifacts that have got a new version, or one that is described anew.
    produced: Vec<String>,
    /// Projects that have got enough records for another checkpoint.
    due: Vec<String>,
    /// What came on top of the cost of work.
    spending: Spending,
}

/// Writes what changed. Nodes come before edges, so that consumers and producers of the same batch find each
/// other; edges that older records had before these nodes were known come last. What is written at the same time
/// shares a round trip; the server may do it in any order.
async fn save(
    conn: &mut AsyncPgConnection,
    ledger: &Ledger,
    prices: &PriceList,
    rules: CheckpointRules,
    now: DateTime<Utc>,
) -> QueryResult<Saved> {
    let changes = RecordChanges::of(ledger, prices)?;
    let growing = changes.counters.growing();
    let attempts = store::save_attempts(conn, changes.facts);
    let ((), chains) = try_join!(attempts, load_chains(conn, &changes.records))?;
    let Written { places, links } = write_records(conn, chains, changes.records, now).await?;
    let graph = GraphChanges::of(ledger, &places);
    let produced = graph.outputs.iter().map(|(_, output)| output.artifact.artifact_id.to_string()).collect();
    let outputs = nodes::save_outputs(conn, graph.outputs);
    let ((), (), versions) = try_join!(links.save(conn), changes.counters.save(conn), outputs)?;
    nodes::ensure_nodes(conn, graph.used).await?;
    edges::rewrite_edges(conn, graph.known_consumers.clone()).await?;
    edges::insert_edges(conn, graph.new_consumers.clone()).await?;
    let misled = edges::list_misled(conn, versions, graph.known_consumers.clone());
    let (mut touched, due) = try_join!(misled, checkpoints::list_due(conn, &growing, rules))?;
    edges::rewrite_edges(conn, touched.clone()).await?;
    touched.extend(graph.known_consumers);
    touched.extend(graph.new_consumers);
    Ok(Saved { places, touched, produced, due, spending: changes.spending })
}

/// An event for each record that is new or has new outputs; it follows from the event that reported them.
fn announce(
    ledger: &Ledger,
    events: &[Event],
    newly_tainted: impl Fn(&Uuid) -> bool,
    now: DateTime<Utc>,
) -> QueryResult<Vec<OutboxEntry>> {
    let mut follow = Vec::new();
    for entry in &ledger.entries {
        let (Some(cause), Some(record)) =
            (entry.reported_by.and_then(|index| events.get(index)), &entry.attempt.record)
        else {
            continue;
        };
        if entry.stored.is_some() && changed_outputs(entry).next().is_none() {
            continue;
        }
        let key = entry.attempt.key;
        let recorded = ProvenanceRecorded {
            provenance_id: key.provenance_id(),
            task_id: key.task_id,
            attempt: key.attempt,
            artifact_ids: record.reported.outputs.keys().cloned().collect(),
            is_tainted: record.marks.is_tainted || newly_tainted(&key.provenance_id().as_uuid()),
        };
        let event = Event::following(cause, "", SOURCE, now, recorded);
        follow.push(marks::entry(&event)?);
    }
    Ok(follow)
}

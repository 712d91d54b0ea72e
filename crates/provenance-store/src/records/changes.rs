//! What a batch changes: the difference between the attempts as they were found and as they are now.

use std::collections::HashMap;

use diesel::QueryResult;
use uuid::Uuid;

use super::chained::{Beginning, ChangedRecord};
use super::ledger::{Entry, Ledger};
use super::projection::Marks;
use super::report::Produced;
use super::rows::AttemptRow;
use super::spending::Spending;
use super::store::Place;
use crate::costs::PriceList;
use crate::project_counters::CounterChanges;

/// Changes of records and of what is known of attempts.
#[derive(Default)]
pub(super) struct RecordChanges {
    pub(super) facts: Vec<AttemptRow>,
    pub(super) records: Vec<ChangedRecord>,
    pub(super) counters: CounterChanges,
    pub(super) spending: Spending,
}

impl RecordChanges {
    pub(super) fn of(ledger: &Ledger, prices: &PriceList) -> QueryResult<Self> {
        let mut changes = Self::default();
        for entry in &ledger.entries {
            changes.facts.extend(entry.changed_facts()?);
            let Some(row) = entry.changed_record(prices)? else { continue };
            let stored = entry.stored.as_ref();
            if let Some(stored) = stored {
                changes.counters.remove(stored.row.project_id.as_deref(), stored.marks);
            }
            let marks = stored.map_or_else(Marks::default, |stored| stored.marks);
            changes.counters.add(row.project_id.as_deref(), marks);
            changes.spending.add(stored.map(|stored| &stored.row), &row);
            let cause = entry.cause(&row);
            changes.records.push(ChangedRecord { row, cause, beginning: Beginning::default() });
        }
        Ok(changes)
    }
}

/// Changes of the graph. Consumers and producers are named by their places in the record order.
#[derive(Default)]
pub(super) struct GraphChanges {
    /// Outputs that are new or described anew, with their producers.
    pub(super) outputs: Vec<(i64, Produced)>,
    /// Ids of artifacts that were used.
    pub(super) used: Vec<String>,
    /// Records that have edges already.
    pub(super) known_consumers: Vec<i64>,
    /// Records that have none yet.
    pub(super) new_consumers: Vec<i64>,
}

impl GraphChanges {
    /// `places`: where the records that were written just now lie.
    pub(super) fn of(ledger: &Ledger, places: &HashMap<Uuid, Place>) -> Self {
        let mut changes = Self::default();
        for entry in ledger.entries.iter().filter(|entry| entry.reported_by.is_some()) {
            let written = places.get(&entry.attempt.key.provenance_id().as_uuid()).map(|place| place.seq);
            let Some(seq) = written.or(entry.stored.as_ref().map(|stored| stored.seq)) else { continue };
            changes.outputs.extend(changed_outputs(entry).map(|produced| (seq, produced.clone())));
            if let Some(record) = &entry.attempt.record {
                changes.used.extend(record.reported.inputs.keys().map(|(id, _)| id.to_string()));
            }
            match entry.stored {
                Some(_) => changes.known_consumers.push(seq),
                None => changes.new_consumers.push(seq),
            }
        }
        changes
    }
}

/// The outputs that the batch brought or described anew.
pub(super) fn changed_outputs(entry: &Entry) -> impl Iterator<Item = &Produced> {
    let outputs = entry.attempt.record.iter().flat_map(|record| &record.reported.outputs);
    outputs
        .filter(|(id, produced)| entry.stored_outputs.get(id) != Some(*produced))
        .map(|(_, produced)| produced)
}

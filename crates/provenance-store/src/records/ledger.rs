//! The attempts that a batch of events is about: as they were found, and as they are after the batch.

use std::collections::{BTreeSet, HashMap};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::try_join;
use protocol::{RequestId, TaskId};
use uuid::Uuid;

use super::attempt::{Attempt, AttemptKey, Fact};
use super::digest::content_digest;
use super::rows::{AttemptRow, RecordRow};
use super::store::{self, StoredRecord};
use super::translation::Told;
use crate::artifacts;
use crate::artifacts::Outputs;
use crate::costs::PriceList;
use crate::integrity::Cause;

/// An attempt that the batch is about.
pub(super) struct Entry {
    pub(super) attempt: Attempt,
    /// What was known of it before the batch.
    stored_facts: AttemptRow,
    /// Its record before the batch.
    pub(super) stored: Option<StoredRecord>,
    /// That record's outputs; looked up only where a report is to be united with them.
    pub(super) stored_outputs: Outputs,
    /// Which event of the batch was the last to bring a report.
    pub(super) reported_by: Option<usize>,
}

impl Entry {
    /// The row of its record, where there is a record and the batch changed what the row says.
    pub(super) fn changed_record(&self, prices: &PriceList) -> QueryResult<Option<RecordRow>> {
        let Some(record) = &self.attempt.record else { return Ok(None) };
        let digest = match &self.stored {
            Some(stored) if self.reported_by.is_none() => stored.row.content_digest.clone(),
            _ => content_digest(self.attempt.key, &record.reported)
                .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?
                .to_vec(),
        };
        let mut row = RecordRow::project(&self.attempt, record, digest)?;
        row.price(self.stored.as_ref().map(|stored| &stored.row), prices);
        let unchanged = self.stored.as_ref().is_some_and(|stored| stored.row == row);
        Ok((!unchanged).then_some(row))
    }

    /// Why its record says something else now.
    pub(super) fn cause(&self, row: &RecordRow) -> Cause {
        match &self.stored {
            Some(stored) if stored.row.content_digest != row.content_digest => Cause::Reported,
            Some(stored) if stored.row.verification != row.verification => Cause::Judged,
            Some(_) => Cause::Announced,
            None => Cause::Reported,
        }
    }

    /// The row of what is known of it apart from reports, where the batch changed it.
    pub(super) fn changed_facts(&self) -> QueryResult<Option<AttemptRow>> {
        let row = AttemptRow::of(self.attempt.key, &self.attempt.facts)?;
        Ok((row != self.stored_facts).then_some(row))
    }
}

/// The attempts of a batch, in the order in which its events first name them.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Entry>,
}

impl Ledger {
    /// Looks up every attempt that the batch is about and takes in its facts.
    pub(super) async fn load_and_absorb(conn: &mut AsyncPgConnection, batch: Vec<Told>) -> QueryResult<Self> {
        let certain = batch.iter().filter_map(certain_key);
        let certain: BTreeSet<Uuid> = certain.map(|key| key.provenance_id().as_uuid()).collect();
        let certain: Vec<Uuid> = certain.into_iter().collect();
        let found = try_join!(load_known(conn, &batch), store::list_records(conn, &certain))?;
        let (known, mut records) = found;
        let keys = assign_attempts(conn, &known, &batch).await?;
        let others: BTreeSet<Uuid> = keys.iter().map(|key| key.provenance_id().as_uuid()).collect();
        let others: Vec<Uuid> = others.into_iter().filter(|id| certain.binary_search(id).is_err()).collect();
        records.extend(store::list_records(conn, &others).await?);
        let mut ledger = Self::default();
        let mut places = HashMap::new();
        let mut stored = with_outputs(conn, records, &keys, &batch).await?;
        for (index, (key, told)) in keys.into_iter().zip(batch).enumerate() {
            let place = match places.get(&key) {
                Some(&place) => place,
                None => {
                    let found = stored.remove(&key.provenance_id().as_uuid());
                    ledger.entries.push(open(key, known.get(&key), found)?);
                    places.insert(key, ledger.entries.len() - 1);
                    ledger.entries.len() - 1
                }
            };
            let Some(entry) = ledger.entries.get_mut(place) else { continue };
            if matches!(told.fact, Fact::Reported(_)) {
                entry.reported_by = Some(index);
            }
            entry.attempt.absorb(told.fact);
        }
        Ok(ledger)
    }
}

fn open(
    key: AttemptKey,
    known: Option<&AttemptRow>,
    found: Option<(StoredRecord, Outputs)>,
) -> QueryResult<Entry> {
    let mut attempt = Attempt::unknown(key);
    let stored_facts = match known {
        Some(row) => row.clone(),
        None => AttemptRow::of(key, &attempt.facts)?,
    };
    attempt.facts = stored_facts.clone().facts()?;
    let (stored, stored_outputs) =
        found.map_or((None, Outputs::new()), |(row, outputs)| (Some(row), outputs));
    if let Some(stored) = &stored {
        attempt.record = Some(stored.row.record(stored.marks, stored_outputs.clone())?);
    }
    Ok(Entry { attempt, stored_facts, stored, stored_outputs, reported_by: None })
}

/// What is known of the attempts of every task in the batch.
async fn load_known(
    conn: &AsyncPgConnection,
    batch: &[Told],
) -> QueryResult<HashMap<AttemptKey, AttemptRow>> {
    let tasks: BTreeSet<Uuid> = batch.iter().map(|told| told.task_id.as_uuid()).collect();
    let rows = store::list_attempts(conn, &tasks.into_iter().collect::<Vec<_>>()).await?;
    rows.into_iter().map(|row| Ok((row.key()?, row))).collect()
}

/// Says for each event which attempt it is about. One that does not tell is about the attempt that is known by the
/// hand-over it answers, else about the current one: the highest that the gateway announced, else the highest that has
/// a record, else the first.
async fn assign_attempts(
    conn: &mut AsyncPgConnection,
    known: &HashMap<AttemptKey, AttemptRow>,
    batch: &[Told],
) -> QueryResult<Vec<AttemptKey>> {
    let mut announced: HashMap<TaskId, u32> = HashMap::new();
    for (key, _) in known.iter().filter(|(_, row)| row.sequence.is_some()) {
        let highest = announced.entry(key.task_id).or_default();
        *highest = key.attempt.max(*highest);
    }
    let unsure: BTreeSet<Uuid> = batch
        .iter()
        .filter(|told| told.attempt.is_none() && !announced.contains_key(&told.task_id))
        .map(|told| told.task_id.as_uuid())
        .collect();
    let mut recorded: HashMap<TaskId, u32> = HashMap::new();
    if !unsure.is_empty() {
        let found = store::list_recorded_attempts(conn, &unsure.into_iter().collect::<Vec<_>>()).await?;
        recorded.extend(
            found
                .into_iter()
                .filter_map(|(task, attempt)| Some((task.into(), u32::try_from(attempt?).ok()?))),
        );
    }
    let hand_overs = hand_overs(known, batch);
    let mut keys = Vec::with_capacity(batch.len());
    for told in batch {
        let current = announced.get(&told.task_id).or_else(|| recorded.get(&told.task_id)).copied();
        let answered = told.request_id.and_then(|request| hand_overs.get(&(told.task_id, request)).copied());
        let attempt = told.attempt.or(answered).or(current).unwrap_or(1);
        match told.fact {
            Fact::Announced(_) => announced.entry(told.task_id),
            Fact::Reported(_) | Fact::Judged(_) => recorded.entry(told.task_id),
        }
        .and_modify(|highest| *highest = attempt.max(*highest))
        .or_insert(attempt);
        keys.push(AttemptKey { task_id: told.task_id, attempt });
    }
    Ok(keys)
}

/// The attempts by the hand-overs that they are known by, wherever in the batch that is said: what an agent of an
/// earlier attempt still sends is not the current one's.
fn hand_overs(known: &HashMap<AttemptKey, AttemptRow>, batch: &[Told]) -> HashMap<(TaskId, RequestId), u32> {
    let stored = known.iter().filter_map(|(key, row)| Some((*key, RequestId(row.request_id?))));
    let announced = batch.iter().filter_map(|told| match &told.fact {
        Fact::Announced(announcement) => Some((certain_key(told)?, announcement.request_id?)),
        Fact::Reported(_) | Fact::Judged(_) => None,
    });
    let mut attempts = HashMap::new();
    for (key, request) in stored.chain(announced) {
        let attempt: &mut u32 = attempts.entry((key.task_id, request)).or_default();
        *attempt = key.attempt.max(*attempt);
    }
    attempts
}

/// Which attempt it is about, where it says so itself.
fn certain_key(told: &Told) -> Option<AttemptKey> {
    Some(AttemptKey { task_id: told.task_id, attempt: told.attempt? })
}

/// The records by their ids, with their outputs where the batch reports more.
async fn with_outputs(
    conn: &mut AsyncPgConnection,
    records: Vec<StoredRecord>,
    keys: &[AttemptKey],
    batch: &[Told],
) -> QueryResult<HashMap<Uuid, (StoredRecord, Outputs)>> {
    let reported: BTreeSet<Uuid> = keys
        .iter()
        .zip(batch)
        .filter(|(_, told)| matches!(told.fact, Fact::Reported(_)))
        .map(|(key, _)| key.provenance_id().as_uuid())
        .collect();
    let united: Vec<i64> = records
        .iter()
        .filter(|stored| reported.contains(&stored.row.provenance_id))
        .map(|stored| stored.seq)
        .collect();
    let mut outputs = artifacts::store::list_outputs(conn, &united).await?;
    Ok(records
        .into_iter()
        .map(|stored| {
            let outputs = outputs.remove(&stored.seq).unwrap_or_default();
            (stored.row.provenance_id, (stored, outputs))
        })
        .collect())
}

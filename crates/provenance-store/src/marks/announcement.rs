//! The events that tell of marks, in batches.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::Error;
use messaging::OutboxEntry;
use protocol::events::{ArtifactCleared, ArtifactSuspect, EventData};
use protocol::{ArtifactId, Event};

use super::account::Accounted;
use crate::SOURCE;

/// Most artifacts that one event tells of.
pub(crate) const ARTIFACTS_PER_EVENT: usize = 500;

/// Why marks change.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// The event that led to it; none for a direct request.
    pub event: Option<&'a Event>,
    /// In words.
    pub reason: &'a str,
    /// The time now.
    pub now: DateTime<Utc>,
}

impl Cause<'_> {
    /// The event that tells of it. `part` keeps apart events of the same kind that follow from one cause.
    pub(crate) fn event(&self, part: &str, data: impl Into<EventData>) -> QueryResult<OutboxEntry> {
        entry(&match self.event {
            Some(cause) => Event::following(cause, part, SOURCE, self.now, data),
            None => Event::new(SOURCE, self.now, data),
        })
    }
}

/// The event on its way out.
pub(crate) fn entry(event: &Event) -> QueryResult<OutboxEntry> {
    OutboxEntry::from_event(event).map_err(|error| Error::SerializationError(Box::new(error)))
}

/// `artifact.suspect` for these artifacts: one event for each cascade and source, and for so many artifacts.
pub(super) fn suspects(cause: &Cause<'_>, accounted: &[Accounted]) -> QueryResult<Vec<OutboxEntry>> {
    let told = batches(accounted).enumerate().map(|(part, batch)| {
        let first = batch.first();
        let same_depth = batch.iter().all(|one| Some(one.depth) == first.map(|first| first.depth));
        let suspect = ArtifactSuspect {
            artifact_ids: names(batch),
            cascade_id: first.and_then(|one| one.cascade_id.clone()),
            reason: cause.reason.to_owned(),
            source_id: first.and_then(source),
            depth: first.filter(|_| same_depth).and_then(|one| u32::try_from(one.depth).ok()),
            ..ArtifactSuspect::default()
        };
        cause.event(&format!("/{part}"), suspect)
    });
    told.collect()
}

/// `artifact.cleared` for these artifacts, which were only suspect because of `source`.
pub(super) fn released(
    cause: &Cause<'_>,
    source_id: Option<&ArtifactId>,
    accounted: &[Accounted],
) -> QueryResult<Vec<OutboxEntry>> {
    let told = batches(accounted).enumerate().map(|(part, batch)| {
        let first = batch.first();
        let cleared = ArtifactCleared {
            artifact_ids: names(batch),
            cascade_id: first.and_then(|one| one.cascade_id.clone()),
            reason: cause.reason.to_owned(),
            source_id: source_id.cloned().or_else(|| first.and_then(source)),
            ..ArtifactCleared::default()
        };
        cause.event(&format!("/released/{part}"), cleared)
    });
    told.collect()
}

/// Neighbours of the same cascade and source, so many at a time. Without an artifact there is nothing to tell.
fn batches(accounted: &[Accounted]) -> impl Iterator<Item = &[Accounted]> {
    let alike = |one: &Accounted, other: &Accounted| {
        (&one.cascade_id, &one.source_artifact_id) == (&other.cascade_id, &other.source_artifact_id)
    };
    accounted
        .chunk_by(alike)
        .flat_map(|group| group.chunks(ARTIFACTS_PER_EVENT))
        .filter(|batch| batch.iter().any(|one| one.artifact_id.is_some()))
}

/// Names, each once; the records' ids are not part of these events.
fn names(batch: &[Accounted]) -> Vec<ArtifactId> {
    let mut names: Vec<ArtifactId> =
        batch.iter().filter_map(|one| ArtifactId::new(one.artifact_id.clone()?).ok()).collect();
    names.dedup();
    names
}

fn source(one: &Accounted) -> Option<ArtifactId> {
    ArtifactId::new(one.source_artifact_id.clone()?).ok()
}

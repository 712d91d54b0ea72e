//! Somebody looked and found it good: its marks go, and with them the suspicion of everything that is built on it,
//! except where something else keeps it up.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use messaging::OutboxEntry;
use protocol::events::ArtifactCleared;
use protocol::{ArtifactId, ProvenanceId};

use super::MarkRules;
use super::account::{Action, Line, write_lines};
use super::announcement::{Cause, released};
use super::refresh::{change_counters, refresh};
use super::store::{delete_marks, mark_cleared, next_wave};
use super::suspicion::list_users;
use super::target::{MarkTarget, newest_names};
use crate::project_counters::CounterChanges;
use crate::records::projection::Marks;

/// What came of it.
#[derive(Debug, Default)]
pub struct Cleared {
    /// Whether there was anything to clear.
    pub cleared: bool,
    /// The names of everything that was meant.
    pub names: Vec<String>,
    /// Events to publish; they are not in the outbox yet.
    pub entries: Vec<OutboxEntry>,
}

/// Clears the records that are meant, with all they produced; and artifacts that nobody produced.
///
/// # Errors
/// The database's.
pub async fn clear(
    conn: &mut AsyncPgConnection,
    targets: &[MarkTarget],
    cause: &Cause<'_>,
    rules: MarkRules,
) -> QueryResult<Cleared> {
    let mut done = Cleared::default();
    let (mut touched, mut own) = (Vec::new(), Vec::new());
    for (part, target) in targets.iter().enumerate() {
        let versions = target.all_versions(conn).await?;
        let nodes: Vec<i64> = versions.iter().map(|version| version.id).collect();
        done.names.extend(versions.into_iter().map(|version| version.artifact_id));
        let Some(dependents) = take_marks(conn, target, &nodes).await? else { continue };
        done.cleared = true;
        touched.extend(dependents);
        account(conn, target, &nodes, cause).await?;
        let names = newest_names(conn, nodes).await?;
        let news =
            names.iter().filter(|name| cause.event.is_none() || !target.names(name)).cloned().collect();
        done.entries.extend(told(target, part, news, cause)?);
        own.extend(names);
    }
    let mut branch = refresh(conn, &touched, cause, rules).await?.released;
    branch.retain(|one| !own.iter().any(|name| Some(name.as_str()) == one.artifact_id.as_deref()));
    done.entries.extend(released(cause, own.first(), &branch)?);
    Ok(done)
}

/// Takes away what the target bears itself. Gives the records whose surroundings changed; none if nothing did.
async fn take_marks(
    conn: &mut AsyncPgConnection,
    target: &MarkTarget,
    nodes: &[i64],
) -> QueryResult<Option<Vec<i64>>> {
    let had_marks = delete_marks(conn, nodes.to_vec()).await? > 0;
    let Some(record) = &target.record else {
        return if had_marks { list_users(conn, nodes.to_vec()).await.map(Some) } else { Ok(None) };
    };
    if !had_marks && !record.is_tainted && !record.is_suspect {
        return Ok(None);
    }
    let wave = next_wave(conn).await?;
    mark_cleared(conn, record.seq, wave).await?;
    if record.is_tainted {
        let mut counters = CounterChanges::default();
        change_counters(&mut counters, record, Marks::default());
        counters.save(conn).await?;
    }
    Ok(Some(vec![record.seq]))
}

/// A suspect is accounted for where its suspicion ends; a taint ends here.
async fn account(
    conn: &mut AsyncPgConnection,
    target: &MarkTarget,
    nodes: &[i64],
    cause: &Cause<'_>,
) -> QueryResult<()> {
    let lines: Vec<Line> = match &target.record {
        Some(record) if record.is_suspect => Vec::new(),
        Some(record) => {
            vec![Line { seq: Some(record.seq), cascade_id: record.cascade_id.clone(), ..Line::default() }]
        }
        None => nodes.iter().map(|&node| Line { node: Some(node), ..Line::default() }).collect(),
    };
    write_lines(conn, Action::Clear, cause, lines).await.map(|_| ())
}

/// `artifact.cleared` for these artifacts of the target. Whoever told by an event has told everybody what it names: such
/// a clearing tells only of what goes with that.
fn told(
    target: &MarkTarget,
    part: usize,
    artifact_ids: Vec<ArtifactId>,
    cause: &Cause<'_>,
) -> QueryResult<Option<OutboxEntry>> {
    if cause.event.is_some() && artifact_ids.is_empty() {
        return Ok(None);
    }
    let cleared = ArtifactCleared {
        artifact_ids,
        provenance_id: target.record.as_ref().map(|record| ProvenanceId(record.provenance_id)),
        cascade_id: target.record.as_ref().and_then(|record| record.cascade_id.clone()),
        reason: cause.reason.to_owned(),
        ..ArtifactCleared::default()
    };
    cause.event(&format!("/beside/{part}"), cleared).map(Some)
}

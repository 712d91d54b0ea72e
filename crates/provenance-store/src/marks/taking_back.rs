//! A rollback takes records back: they are tainted with all they made, for everything that comes later.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use protocol::{CheckpointId, RollbackId};

use super::account::{Action, Line, write_lines};
use super::announcement::Cause;
use super::refresh::change_counters;
use super::store::{NewMark, Taint, list_marked_records, list_outputs, mark_tainted, next_wave, put_marks};
use super::taint::last_seq;
use crate::project_counters::CounterChanges;
use crate::records::projection::Marks;

/// Marks these records, whatever their marks were.
pub(crate) async fn take_back(
    conn: &mut AsyncPgConnection,
    seqs: Vec<i64>,
    rollback: RollbackId,
    checkpoint: CheckpointId,
    cause: &Cause<'_>,
) -> QueryResult<()> {
    if seqs.is_empty() {
        return Ok(());
    }
    let records = list_marked_records(conn, &seqs).await?;
    let nodes = list_outputs(conn, seqs.clone()).await?.into_iter().map(|version| version.id).collect();
    let cascade_id = rollback.to_string();
    let mark = NewMark {
        is_taint: true,
        wave: next_wave(conn).await?,
        after_seq: last_seq(conn).await?,
        depth: 0,
        cascade_id: &cascade_id,
        reason: cause.reason,
        source_id: None,
        at: cause.now,
    };
    put_marks(conn, nodes, &mark).await?;
    let by = checkpoint.to_string();
    let taint = Taint {
        reason: cause.reason,
        by: Some(&by),
        cascade_id: &cascade_id,
        at: cause.now,
        rollback_id: Some(rollback.as_uuid()),
    };
    mark_tainted(conn, seqs.clone(), &taint).await?;
    let mut counters = CounterChanges::default();
    for record in &records {
        change_counters(&mut counters, record, Marks { is_tainted: true, is_suspect: false });
    }
    counters.save(conn).await?;
    let lines = seqs.into_iter().map(|seq| Line {
        seq: Some(seq),
        cascade_id: Some(cascade_id.clone()),
        ..Line::default()
    });
    write_lines(conn, Action::Taint, cause, lines).await.map(|_| ())
}

//! The export of one artifact: its record and everything that it was built on, as files or as W3C PROV.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use protocol::Timestamp;
use protocol::provenance_query::ExportFormat;
use serde_json::{Value, json};

use super::lineage::{Ancestry, find_ancestry};
use super::{prov, settled};
use crate::queries::{Sight, Unanswered};
use crate::records::rows::unreadable;

/// The document about the artifact, record or task of that id.
///
/// # Errors
/// If there is nothing of that id, or the database does not answer.
pub async fn export_artifact(
    conn: &mut AsyncPgConnection,
    id: &str,
    format: ExportFormat,
    now: DateTime<Utc>,
    sight: &Sight,
) -> Result<Value, Unanswered> {
    let ancestry = find_ancestry(conn, id).await?.within(conn, sight).await?;
    match format {
        ExportFormat::Json => as_files(ancestry, now),
        ExportFormat::Prov => Ok(prov::document(&ancestry)),
    }
}

fn as_files(ancestry: Ancestry, now: DateTime<Utc>) -> Result<Value, Unanswered> {
    let Ancestry { artifact_id, producer, records, truncated, .. } = ancestry;
    let mut provenance = Value::Null;
    let mut lineage = Vec::with_capacity(records.len());
    for row in records {
        let is_own = producer == Some(row.seq);
        let record: Value = serde_json::from_str(&settled::body_of(row)?).map_err(unreadable)?;
        if is_own {
            provenance = record.clone();
        }
        lineage.push(record);
    }
    Ok(json!({
        "artifact_id": artifact_id, "provenance": provenance, "lineage": lineage, "truncated": truncated,
        "exported_at": Timestamp::from(now),
    }))
}

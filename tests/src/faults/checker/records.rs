//! Provenance: one record for each attempt that was judged, with its verdict, and every artifact once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{Inquiry, NO_PROGRESS, POLL};

const JUDGED: &str = "
    SELECT concat_ws('/', t.task_id, h.attempt), a.value ->> 'artifact_id'
    FROM tasks t
    JOIN task_history h ON h.task_id = t.task_id AND h.applied AND h.event = 'task.validated'
    LEFT JOIN LATERAL jsonb_array_elements(t.artifacts) a ON h.attempt = t.attempt
    WHERE t.status = 'completed' AND t.work_type IS NULL";

const RECORDED: &str = "
    SELECT concat_ws('/', r.task_id, r.attempt), a.artifact_id, count(*)
    FROM provenance_records r LEFT JOIN artifacts a ON a.producer_seq = r.seq
    WHERE r.verdict = 'passed' GROUP BY 1, 2";

impl Inquiry<'_> {
    pub(super) async fn records_are_complete(&mut self) {
        let judged = self.gateway.query(JUDGED, &[]).await.expect("the judged attempts");
        let expected: BTreeSet<(String, Option<String>)> =
            judged.iter().map(|row| (row.get(0), row.get(1))).collect();
        let started = Instant::now();
        loop {
            let recorded = self.provenance.query(RECORDED, &[]).await.expect("the records");
            let found: BTreeMap<(String, Option<String>), i64> =
                recorded.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
            let missing: Vec<_> = expected.iter().filter(|pair| !found.contains_key(pair)).collect();
            if !missing.is_empty() && started.elapsed() < NO_PROGRESS {
                tokio::time::sleep(POLL).await;
                continue;
            }
            for (attempt, artifact) in missing {
                self.violations.push(format!("no passed record of {attempt} with artifact {artifact:?}"));
            }
            for ((attempt, artifact), count) in found.iter().filter(|(_, count)| **count != 1) {
                self.violations.push(format!("{count} records of {attempt} with artifact {artifact:?}"));
            }
            return;
        }
    }
}

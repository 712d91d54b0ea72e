//! Files that were imported are kept as they came.

use protocol::provenance_query::integrity::FindingKind;

use super::samples::sample_lines;
use crate::fixture::Store;
use crate::integrity::tampering::{restore, tamper};
use crate::integrity::verify_all;

const PROJECT: &str = "shop-backend";

#[tokio::test]
async fn a_file_that_is_not_kept_as_it_was_imported_is_found() {
    let store = Store::create("provenance_files").await;
    store.import(&sample_lines(), 100).await;
    for limit in [2_000, 7] {
        for project in [PROJECT, "default", "3f0c2a52-8f5e-4c1e-9a51-6d2a3c9a7b10"] {
            assert_eq!(verify_all(&store, project, limit).await.findings, [], "{project}");
        }
    }
    let edit = |kind: &str, member: &str| {
        format!(
            "UPDATE imported_files SET body = (body::jsonb || '{member}')::text WHERE position =
             (SELECT min(position) FROM imported_files WHERE kind = '{kind}' AND project_id = '{PROJECT}')"
        )
    };
    let cases = [
        edit("record", r#"{"tier": "frontier"}"#),
        edit("record", r#"{"nobody": "reads this"}"#),
        edit("record", r#"{"verification": {"status": "failed", "issues": ["forged"]}}"#),
        edit("taint_event", r#"{"reason": "forged"}"#),
        edit("checkpoint", r#"{"description": "forged"}"#),
        format!("UPDATE imported_files SET body = 'nothing' WHERE project_id = '{PROJECT}'"),
        format!("UPDATE imported_files SET digest = sha256('x') WHERE project_id = '{PROJECT}'"),
    ];
    for tampering in cases {
        tamper(&store, &tampering).await;
        let found = verify_all(&store, PROJECT, 100).await.findings;
        assert!(!found.is_empty(), "{tampering}");
        assert!(found.iter().all(|(kind, _)| *kind == FindingKind::Altered), "{tampering}: {found:?}");
        restore(&store).await;
    }
    assert_eq!(verify_all(&store, PROJECT, 100).await.findings, []);
}

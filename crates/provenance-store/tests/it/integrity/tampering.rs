//! Ways to tamper with a store, and back. Whoever tampers does not care for constraints.

use crate::fixture::Store;

const TABLES: [&str; 9] = [
    "provenance_records",
    "artifacts",
    "record_revisions",
    "record_chains",
    "taint_events",
    "artifact_marks",
    "artifact_dependencies",
    "project_counters",
    "imported_files",
];

/// Keeps everything as it is and changes it then. Whoever tampers does not care for constraints either.
pub(crate) async fn tamper(store: &Store, tampering: &str) {
    let client = store.database.client().await;
    client.batch_execute("CREATE SCHEMA kept").await.unwrap();
    for table in TABLES {
        client.batch_execute(&format!("CREATE TABLE kept.{table} AS TABLE {table}")).await.unwrap();
    }
    client
        .batch_execute(&format!("SET session_replication_role = replica; {tampering}"))
        .await
        .unwrap_or_else(|error| panic!("{tampering}: {error}"));
}

/// Puts everything back as it was kept.
pub(crate) async fn restore(store: &Store) {
    let client = store.database.client().await;
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for table in TABLES {
        let columns = client
            .query_one(
                "SELECT string_agg(column_name, ', ') FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'",
                &[&table],
            )
            .await
            .unwrap();
        let columns: String = columns.get(0);
        let restore = format!(
            "DELETE FROM {table};
             INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept.{table}"
        );
        client.batch_execute(&restore).await.unwrap();
    }
    client.batch_execute("DROP SCHEMA kept CASCADE").await.unwrap();
}

//! Migrations go up, down and up again, and leave the same tables as going up once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use test_support::TestDatabase;

/// The folders of the migrations, in their order.
fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/provenance-store");
    let entries = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect::<BTreeSet<_>>().into_iter().collect()
}

async fn go_up(database: &TestDatabase) {
    let client = database.client().await;
    for folder in folders() {
        client.batch_execute(&fs::read_to_string(folder.join("up.sql")).unwrap()).await.unwrap();
    }
}

async fn go_down(database: &TestDatabase) {
    let client = database.client().await;
    for folder in folders().iter().rev() {
        client.batch_execute(&fs::read_to_string(folder.join("down.sql")).unwrap()).await.unwrap();
    }
}

/// Every column, constraint, index and comment, one per line.
const SHAPE: &str = "
    SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default,
        is_identity, generation_expression) AS line
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT concat_ws(' ', 'comment', objoid::regclass, objsubid, description)
    FROM pg_description WHERE classoid = 'pg_class'::regclass AND objoid IN (
        SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    ORDER BY line";

async fn shape(database: &TestDatabase) -> Vec<String> {
    let rows = database.client().await.query(SHAPE, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn going_up_down_and_up_again_leaves_the_tables_of_going_up_once() {
    let database = TestDatabase::create("provenance_migrations").await;
    go_up(&database).await;
    let once = shape(&database).await;
    go_down(&database).await;
    assert_eq!(shape(&database).await, Vec::<String>::new());
    go_up(&database).await;
    assert_eq!(shape(&database).await, once);
}

#[tokio::test]
async fn every_table_says_what_it_is_for() {
    let database = TestDatabase::create("provenance_comments").await;
    go_up(&database).await;
    let silent = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind = 'r' AND obj_description(oid) IS NULL";
    let rows = database.client().await.query(silent, &[]).await.unwrap();
    let tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(tables, Vec::<String>::new());
}

//! A gateway's tables as they are after a million tasks, made by the database out of one real task.

use serde_json::{Value, json};
use tokio_postgres::Client as Database;

use super::load::{Connection, post};
use super::stage::{PROJECT, Stage};

/// Projects that the tasks belong to, beside the one that everything else is submitted to.
pub const PROJECTS: usize = 100;

/// Columns of a made task that are not those of the real one. `n` counts from 1, the newest first.
const OVERRIDES: [(&str, &str); 14] = [
    ("task_id", "gen_random_uuid()"),
    ("project_id", "'crowd-' || n % 100"),
    ("priority", "1 + n % 4"),
    ("status", "CASE n % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'completed' END"),
    ("phase", "'done'"),
    ("tier", "(ARRAY['tiny', 'small', 'large', 'frontier'])[1 + n % 4]"),
    ("domain", "(ARRAY['code-general', 'documentation', 'analysis'])[1 + n % 3]"),
    ("metadata", "CASE WHEN n % 50 = 0 THEN '{\"tags\": [\"nightly\"]}'::jsonb ELSE '{}'::jsonb END"),
    ("trace_id", "gen_random_uuid()"),
    ("created_at", "now() - n * interval '1 second'"),
    ("updated_at", "now() - (n - 5) * interval '1 second'"),
    ("completed_at", "now() - (n - 5) * interval '1 second'"),
    ("wake_at", "NULL::timestamptz"),
    (
        "error",
        "CASE WHEN n % 20 = 0 THEN \
         '{\"code\": \"timeout\", \"message\": \"no result in time\", \"retryable\": true}'::jsonb END",
    ),
];

/// Fills the gateway's tables with `tasks` finished tasks and a line of history for each.
///
/// # Panics
/// When the gateway or the database refuses.
pub async fn fill(stage: &Stage, tasks: usize) {
    let example = submit_example(stage).await;
    let database = stage.stack.gateway_database().client().await;
    let project = format!(
        "INSERT INTO projects (project_id, name) SELECT 'crowd-' || n, 'crowd' FROM generate_series(0, {}) AS n",
        PROJECTS - 1
    );
    run(&database, &project).await;
    let columns = columns_of(&database).await;
    let values: Vec<&str> = columns.iter().map(|column| value_of(column)).collect();
    let insert = format!(
        "INSERT INTO tasks ({}) SELECT {} FROM generate_series(1, {tasks}) AS n, \
         (SELECT * FROM tasks WHERE task_id = '{example}') AS example",
        columns.join(", "),
        values.join(", ")
    );
    run(&database, &insert).await;
    let history = "INSERT INTO task_history \
         (task_id, at, event, from_phase, to_phase, attempt, applied, source, trace_id) \
         SELECT task_id, updated_at, 'task.validated', 'validating', 'done', 1, true, '/bench', trace_id \
         FROM tasks WHERE phase = 'done'";
    run(&database, history).await;
    let counters = "UPDATE projects SET completed = made.completed, failed = made.failed, cancelled = made.cancelled \
         FROM (SELECT project_id, count(*) FILTER (WHERE status = 'completed') AS completed, \
               count(*) FILTER (WHERE status = 'failed') AS failed, \
               count(*) FILTER (WHERE status = 'cancelled') AS cancelled FROM tasks GROUP BY project_id) AS made \
         WHERE projects.project_id = made.project_id AND projects.project_id LIKE 'crowd-%'";
    run(&database, counters).await;
    run(&database, "VACUUM ANALYZE").await;
}

/// The id of a real task that waits for its time, so that nothing happens to it meanwhile.
async fn submit_example(stage: &Stage) -> String {
    let task = json!({
        "description": "Write a function that nobody has asked for yet",
        "project_id": PROJECT,
        "not_before": "2999-01-01T00:00:00Z",
    });
    let mut connection = Connection::open(stage.address()).await.expect("a connection to the gateway");
    let reply =
        connection.ask(&post("/api/v1/tasks", &task.to_string())).await.expect("an answer of the gateway");
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(reply.body));
    let answer: Value = serde_json::from_slice(reply.body).expect("JSON");
    answer["task_id"].as_str().expect("a task_id").to_owned()
}

async fn columns_of(database: &Database) -> Vec<String> {
    let query = "SELECT column_name FROM information_schema.columns \
         WHERE table_name = 'tasks' AND table_schema = current_schema() ORDER BY ordinal_position";
    let rows = database.query(query, &[]).await.expect("the columns of tasks");
    rows.iter().map(|row| row.get(0)).collect()
}

fn value_of(column: &str) -> &str {
    OVERRIDES.iter().find(|(name, _)| *name == column).map_or(column, |(_, value)| value)
}

async fn run(database: &Database, statement: &str) {
    database.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
}

//! The pool, migrations and the meaning of errors, against the real PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures_util::future::join_all;
use futures_util::try_join;
use service_runtime::database::{
    self, DatabaseSettings, IS_BEGUN, MigrateError, Pipeline, Pool, StoreError, begin_by_keys, commit,
};
use test_support::{PATIENCE, Proxy, TestDatabase, TlsProxy, TlsStart, wait_until};
use tokio_util::sync::CancellationToken;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/migrations");
const BROKEN: EmbeddedMigrations = embed_migrations!("tests/broken_migrations");

#[derive(diesel::QueryableByName)]
struct Shown {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

async fn execute(connection: &mut AsyncPgConnection, sql: &str) -> Result<(), StoreError> {
    Ok(connection.batch_execute(sql).await?)
}

async fn show(connection: &mut AsyncPgConnection, setting: &str) -> String {
    let query = format!("SELECT current_setting('{setting}') AS value");
    diesel::sql_query(query).get_result::<Shown>(connection).await.unwrap().value
}

async fn answers(pool: &Pool) -> bool {
    database::check(pool.clone()).await.is_ok()
}

#[tokio::test]
async fn replicas_that_migrate_together_do_it_once() {
    let test = TestDatabase::create("migrate").await;
    let settings = DatabaseSettings::new(test.url());
    for result in join_all((0..4).map(|_| database::migrate(&settings, &MIGRATIONS))).await {
        result.unwrap();
    }
    let mut connection = database::connect(&settings).unwrap().get().await.unwrap();
    let applied = diesel::sql_query("SELECT count(*) AS value FROM __diesel_schema_migrations")
        .get_result::<Counted>(&mut connection)
        .await
        .unwrap();
    assert_eq!(applied.value, 1);
    execute(&mut connection, "INSERT INTO probe VALUES (1, 'x')").await.unwrap();
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind_and_says_why() {
    let test = TestDatabase::create("broken").await;
    let settings = DatabaseSettings::new(test.url());
    let error =
        database::migrate_when_available(&settings, &BROKEN, &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(&error, MigrateError::Failed(why) if why.contains("no_such_column")), "{error}");
    let mut connection = database::connect(&settings).unwrap().get().await.unwrap();
    assert!(execute(&mut connection, "SELECT * FROM half_done").await.is_err());
}

#[tokio::test]
async fn a_start_before_the_database_waits_for_it_or_for_the_end() {
    let test = TestDatabase::create("wait").await;
    let proxy = Proxy::in_front_of(test.url()).await;
    let settings = DatabaseSettings::new(proxy.url(test.url()));
    proxy.cut();
    let stop = CancellationToken::new();
    let waiting = tokio::spawn({
        let (settings, stop) = (settings.clone(), stop.clone());
        async move { database::migrate_when_available(&settings, &MIGRATIONS, &stop).await }
    });
    let once = database::migrate(&settings, &MIGRATIONS).await;
    assert!(matches!(once, Err(MigrateError::Unreachable(_))), "{once:?}");
    proxy.restore();
    waiting.await.unwrap().unwrap();
    proxy.cut();
    stop.cancel();
    let stopped = database::migrate_when_available(&settings, &MIGRATIONS, &stop).await;
    assert!(matches!(stopped, Err(MigrateError::Interrupted)), "{stopped:?}");
}

#[tokio::test]
async fn a_database_that_is_cut_off_gives_errors_at_once_and_recovers_by_itself() {
    let test = TestDatabase::create("cut").await;
    let proxy = Proxy::in_front_of(test.url()).await;
    let pool = database::connect(&DatabaseSettings::new(proxy.url(test.url()))).unwrap();
    assert!(answers(&pool).await);
    proxy.cut();
    wait_until("the pool to notice", PATIENCE, || async { !answers(&pool).await }).await;
    let start = Instant::now();
    let error = StoreError::from(pool.get().await.err().unwrap());
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
    proxy.restore();
    wait_until("the pool to recover", PATIENCE, || answers(&pool)).await;
}

#[tokio::test]
async fn a_database_that_is_silent_gives_errors_in_bounded_time() {
    let test = TestDatabase::create("silent").await;
    let proxy = Proxy::in_front_of(test.url()).await;
    let mut settings = DatabaseSettings::new(proxy.url(test.url()));
    settings.connect_timeout_ms = 300;
    settings.max_connections = 1;
    proxy.freeze();
    let pool = database::connect(&settings).unwrap();
    let start = Instant::now();
    let all = join_all((0..5).map(|_| pool.get())).await;
    assert!(all.iter().all(Result::is_err));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    proxy.restore();
    wait_until("the pool to recover", PATIENCE, || answers(&pool)).await;
}

#[tokio::test]
async fn connections_that_the_server_ended_are_replaced() {
    let test = TestDatabase::create("ended").await;
    let pool = database::connect(&DatabaseSettings::new(test.url())).unwrap();
    let mut connection = pool.get().await.unwrap();
    test.close_all_connections().await;
    let error = execute(&mut connection, "SELECT 1").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    drop(connection);
    wait_until("a fresh connection", PATIENCE, || answers(&pool)).await;
}

#[tokio::test]
async fn connections_outlive_the_runtime_of_the_thread_that_first_needed_them() {
    let test = TestDatabase::create("threads").await;
    let mut settings = DatabaseSettings::new(test.url());
    settings.max_connections = 1;
    let pool = database::connect(&settings).unwrap();
    let used_elsewhere = pool.clone();
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(answers(&used_elsewhere)));
    })
    .await
    .unwrap();
    assert_eq!(pool.status().size, 1);
    assert!(answers(&pool).await, "the same connection, though its first user's runtime is gone");
}

#[tokio::test]
async fn sessions_are_limited_and_the_url_has_the_last_word() {
    let test = TestDatabase::create("limits").await;
    let mut settings = DatabaseSettings::new(test.url());
    settings.statement_timeout_ms = 50;
    let mut connection = database::connect(&settings).unwrap().get().await.unwrap();
    assert_eq!(show(&mut connection, "statement_timeout").await, "50ms");
    assert_eq!(show(&mut connection, "idle_in_transaction_session_timeout").await, "1min");
    let error = execute(&mut connection, "SELECT pg_sleep(5)").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");

    let url = format!("{}?application_name=probe&options=-c%20statement_timeout%3D77", test.url());
    let mut connection = database::connect(&DatabaseSettings::new(url)).unwrap().get().await.unwrap();
    assert_eq!(show(&mut connection, "statement_timeout").await, "77ms");
    assert_eq!(show(&mut connection, "application_name").await, "probe");
}

#[tokio::test]
async fn errors_tell_a_taken_key_from_a_bug_and_from_nothing_found() {
    let test = TestDatabase::create("errors").await;
    let pool = database::connect(&DatabaseSettings::new(test.url())).unwrap();
    let mut connection = pool.get().await.unwrap();
    execute(
        &mut connection,
        "CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n > 0)); INSERT INTO t VALUES (1, 1)",
    )
    .await
    .unwrap();
    let conflict = execute(&mut connection, "INSERT INTO t VALUES (1, 1)").await.unwrap_err();
    assert!(matches!(conflict, StoreError::Conflict(_)) && !conflict.is_retryable(), "{conflict:?}");
    for bug in ["SELECT * FROM nowhere", "INSERT INTO t VALUES (2, -1)", "SELEKT"] {
        let error = execute(&mut connection, bug).await.unwrap_err();
        assert!(matches!(error, StoreError::Internal(_)) && !error.is_retryable(), "{error:?}");
    }
    let missing =
        diesel::sql_query("SELECT 'x' AS value WHERE false").get_result::<Shown>(&mut connection).await;
    assert!(matches!(StoreError::from(missing.err().unwrap()), StoreError::NotFound));
}

#[tokio::test]
async fn of_two_transactions_in_a_deadlock_one_is_told_to_try_again() {
    let test = TestDatabase::create("deadlock").await;
    let pool = database::connect(&DatabaseSettings::new(test.url())).unwrap();
    let mut connection = pool.get().await.unwrap();
    execute(&mut connection, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
        .await
        .unwrap();
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    let lock_both = |first: i32, second: i32| {
        let (pool, barrier) = (pool.clone(), std::sync::Arc::clone(&barrier));
        async move {
            let mut connection = pool.get().await.unwrap();
            connection
                .transaction::<_, StoreError, _>(async |transaction| {
                    execute(transaction, &format!("SELECT FROM t WHERE id = {first} FOR UPDATE")).await?;
                    barrier.wait().await;
                    execute(transaction, &format!("SELECT FROM t WHERE id = {second} FOR UPDATE")).await
                })
                .await
        }
    };
    let (one, two) = tokio::join!(lock_both(1, 2), lock_both(2, 1));
    let failed: Vec<StoreError> = [one, two].into_iter().filter_map(Result::err).collect();
    assert!(matches!(failed.as_slice(), [StoreError::Unavailable(_)]), "{failed:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_was_asked_for() {
    let test = TestDatabase::create("tls").await;
    let settings = DatabaseSettings::new(format!("{}?sslmode=require", test.url()));
    let error = database::connect(&settings).unwrap().get().await.err().unwrap().to_string();
    assert!(error.to_lowercase().contains("tls"), "{error}");
}

#[tokio::test]
async fn an_encrypted_connection_works_with_the_right_authority_and_only_with_it() {
    let test = TestDatabase::create("encrypted").await;
    let proxy = TlsProxy::in_front_of(test.url(), TlsStart::AskedForByPostgres).await;
    let stranger = TlsProxy::in_front_of(test.url(), TlsStart::AskedForByPostgres).await;
    let url = format!("{}?sslmode=verify-full", proxy.url(test.url()));

    let mut settings = DatabaseSettings::new(&*url);
    settings.ca_file = Some(proxy.ca_file().to_owned());
    database::migrate(&settings, &MIGRATIONS).await.unwrap();
    assert!(answers(&database::connect(&settings).unwrap()).await);

    let in_the_url = format!("{url}&sslrootcert={}", proxy.ca_file().display());
    assert!(answers(&database::connect(&DatabaseSettings::new(in_the_url)).unwrap()).await);

    settings.ca_file = Some(stranger.ca_file().to_owned());
    let error = database::connect(&settings).unwrap().get().await.err().unwrap().to_string();
    assert!(error.contains("certificate"), "{error}");

    settings.ca_file = Some(proxy.ca_file().to_owned());
    settings.database_url = url.replace("localhost", "127.0.0.1").into();
    let error = database::connect(&settings).unwrap().get().await.err().unwrap().to_string();
    assert!(error.contains("certificate"), "the name in it is another: {error}");
}

#[tokio::test]
async fn a_query_that_hangs_in_the_network_is_given_up_in_time() {
    let test = TestDatabase::create("hang").await;
    let proxy = Proxy::in_front_of(test.url()).await;
    let pool = database::connect(&DatabaseSettings::new(proxy.url(test.url()))).unwrap();
    assert!(answers(&pool).await);
    proxy.freeze();
    let query = async {
        let mut connection = pool.get().await?;
        execute(&mut connection, "SELECT 1").await
    };
    let given_up = database::within(Duration::from_millis(200), query).await;
    assert!(matches!(given_up, Err(StoreError::Unavailable(_))), "{given_up:?}");
    proxy.restore();
    wait_until("the pool to recover", PATIENCE, || answers(&pool)).await;
}

async fn probes(pool: &Pool) -> i64 {
    let query = diesel::sql_query("SELECT count(*) AS value FROM probe");
    query.get_result::<Counted>(&mut pool.get().await.unwrap()).await.unwrap().value
}

/// A pool of one connection, so that whoever comes next gets the one that was used before.
async fn one_connection(test: &TestDatabase) -> Pool {
    let settings = DatabaseSettings { max_connections: 1, ..DatabaseSettings::new(test.url()) };
    database::migrate(&settings, &MIGRATIONS).await.unwrap();
    database::connect(&settings).unwrap()
}

async fn insert(mut conn: &AsyncPgConnection, id: i32) -> QueryResult<usize> {
    diesel::sql_query(format!("INSERT INTO probe VALUES ({id}, 'x')")).execute(&mut conn).await
}

/// As [`insert`], but prepared once for a connection, so that it is sent at once.
struct Insert(i64);

impl QueryFragment<Pg> for Insert {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO probe SELECT id, 'x' FROM (VALUES (");
        out.push_bind_param::<BigInt, _>(&self.0)?;
        out.push_sql(")) AS new (id)");
        Ok(())
    }
}

impl QueryId for Insert {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for Insert {}

async fn insert_at_once(mut conn: &AsyncPgConnection, id: i64) -> QueryResult<usize> {
    Insert(id).execute(&mut conn).await
}

#[tokio::test]
async fn a_pipelined_transaction_is_committed_with_its_last_statements_or_not_at_all() {
    let test = TestDatabase::create("pipeline").await;
    let pool = one_connection(&test).await;
    let mut pipeline = Pipeline::new(pool.get().await.unwrap());
    // Every statement is new to the connection, and has to be prepared before it is sent: the order stays.
    for round in 0..3 {
        let first = round * 10;
        let ids = pipeline.run(async |conn| {
            let (begun, one) = try_join!(begin_by_keys(conn), insert(conn, first))?;
            let (two, three, end) =
                try_join!(insert(conn, first + 1), insert(conn, first + 2), commit(conn, begun))?;
            Ok((one + two + three, end))
        });
        assert_eq!(ids.await.unwrap(), 3);
    }
    // One in the middle that the server refuses takes those before and behind it along, and the commit: when they wait
    // to be prepared, and when all of them are at the server already.
    let refused = pipeline.run(async |conn| {
        let (begun, _) = try_join!(begin_by_keys(conn), insert(conn, 100))?;
        let (_, _, end) = try_join!(insert(conn, 100), insert(conn, 101), commit(conn, begun))?;
        Ok(((), end))
    });
    assert!(matches!(refused.await.map_err(StoreError::from), Err(StoreError::Conflict(_))));
    for ids in [[200, 200, 201], [201, 202, 201]] {
        let refused = pipeline.run(async |conn| {
            let (begun, _) = try_join!(begin_by_keys(conn), insert_at_once(conn, ids[0]))?;
            let others = (insert_at_once(conn, ids[1]), insert_at_once(conn, ids[2]));
            let (_, _, end) = try_join!(others.0, others.1, commit(conn, begun))?;
            Ok(((), end))
        });
        assert!(matches!(refused.await.map_err(StoreError::from), Err(StoreError::Conflict(_))), "{ids:?}");
    }
    // The connection is as it was, for the next transaction and for the next borrower.
    let again = pipeline.run(async |conn| {
        let begun = begin_by_keys(conn).await?;
        let (_, end) = try_join!(insert_at_once(conn, 100), commit(conn, begun))?;
        Ok(((), end))
    });
    again.await.unwrap();
    drop(pipeline);
    assert_eq!(probes(&pool).await, 10);
    assert_eq!(show(&mut pool.get().await.unwrap(), "enable_seqscan").await, "on");
}

#[tokio::test]
async fn it_can_be_told_in_sql_whether_a_transaction_was_begun_with_its_statements() {
    let test = TestDatabase::create("begun").await;
    let pool = one_connection(&test).await;
    let begun = async |mut conn: &AsyncPgConnection| {
        let query = format!("SELECT count(*) AS value FROM (VALUES (1)) AS one WHERE {IS_BEGUN}");
        diesel::sql_query(query).get_result::<Counted>(&mut conn).await.map(|row| row.value)
    };
    assert_eq!(begun(&pool.get().await.unwrap()).await.unwrap(), 0);
    let mut pipeline = Pipeline::new(pool.get().await.unwrap());
    let within = pipeline.run(async |conn| {
        let (token, found) = try_join!(begin_by_keys(conn), begun(conn))?;
        Ok((found, commit(conn, token).await?))
    });
    assert_eq!(within.await.unwrap(), 1);
    drop(pipeline);
    assert_eq!(begun(&pool.get().await.unwrap()).await.unwrap(), 0, "on the connection where it was set");
}

#[tokio::test]
async fn a_connection_that_was_given_up_in_the_middle_of_a_pipelined_transaction_is_not_lent_again() {
    let test = TestDatabase::create("given-up").await;
    let pool = one_connection(&test).await;
    let mut pipeline = Pipeline::new(pool.get().await.unwrap());
    let (reached, waits) = tokio::sync::oneshot::channel();
    let stuck = pipeline.run(async |conn| {
        let (begun, _) = try_join!(begin_by_keys(conn), insert(conn, 1))?;
        reached.send(()).unwrap();
        std::future::pending::<()>().await;
        Ok(((), commit(conn, begun).await?))
    });
    tokio::select! {
        _ = stuck => panic!("it waits for ever"),
        at = waits => at.unwrap(),
    }
    let error = pipeline.run(async |conn| Ok(((), commit(conn, begin_by_keys(conn).await?).await?))).await;
    assert!(StoreError::from(error.unwrap_err()).is_retryable());
    // Another connection takes its place, and what was begun is rolled back.
    assert_eq!(probes(&pool).await, 0);
    insert(&pool.get().await.unwrap(), 1).await.unwrap();
}

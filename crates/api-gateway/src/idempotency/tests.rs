//! Claims on a real database, with a clock that the test moves.

use service_runtime::clock::ManualClock;
use service_runtime::database::{DatabaseSettings, connect, migrate};
use test_support::TestDatabase;

use super::*;
use crate::MIGRATIONS;

const DAY: Duration = Duration::from_secs(86_400);
const LEASE: Duration = Duration::from_secs(15);

struct Setup {
    database: TestDatabase,
    clock: ManualClock,
    keys: Idempotency,
}

async fn setup() -> Setup {
    let database = TestDatabase::create("idempotency").await;
    let mut settings = DatabaseSettings::new(database.url());
    // A busy machine takes its time for a connection.
    (settings.max_connections, settings.connect_timeout_ms) = (4, 30_000);
    migrate(&settings, &MIGRATIONS).await.unwrap();
    let clock = ManualClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let keys = Idempotency::new(connect(&settings).unwrap(), Arc::new(clock.clone()), DAY, LEASE);
    Setup { database, clock, keys }
}

fn request(caller: &str, key: &str, body: &str) -> KeyedRequest {
    let fingerprint = Fingerprint::of(&[b"POST", body.as_bytes()]);
    KeyedRequest { caller: caller.to_owned(), key: key.to_owned(), fingerprint }
}

fn answer() -> KeptAnswer {
    KeptAnswer {
        status: 201,
        content_type: Some("application/json".to_owned()),
        location: Some("/api/v1/tasks/x".to_owned()),
        body: b"{}".to_vec(),
    }
}

impl Setup {
    async fn claim(&self, request: &KeyedRequest) -> Claimed {
        self.keys.claim(request.clone()).await.unwrap()
    }

    async fn mine(&self, request: &KeyedRequest) -> Claim {
        match self.claim(request).await {
            Claimed::Mine(claim) => claim,
            other => panic!("not free: {other:?}"),
        }
    }
}

#[test]
fn parts_of_a_fingerprint_do_not_run_together() {
    assert_ne!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"a", b"bc"]));
}

#[tokio::test]
async fn a_repeated_request_is_told_of_the_first_and_then_gets_its_answer() {
    let setup = setup().await;
    let first = request("a", "k", "one");
    let claim = setup.mine(&first).await;
    assert_eq!(setup.claim(&first).await, Claimed::Running);
    assert_eq!(setup.claim(&request("a", "k", "two")).await, Claimed::Reused);
    setup.keys.keep(&claim, &answer()).await.unwrap();
    assert_eq!(setup.claim(&first).await, Claimed::Answered(answer()));
    assert_eq!(setup.claim(&request("a", "k", "two")).await, Claimed::Reused);
    setup.mine(&request("b", "k", "two")).await;
}

#[tokio::test]
async fn a_request_that_was_not_judged_frees_its_key() {
    let setup = setup().await;
    let claim = setup.mine(&request("a", "k", "bad")).await;
    setup.keys.release(&claim).await.unwrap();
    setup.mine(&request("a", "k", "mended")).await;
}

#[tokio::test]
async fn an_abandoned_request_is_served_again_under_the_same_operation_and_the_dead_claim_stores_nothing() {
    let setup = setup().await;
    let first = request("a", "k", "one");
    let dead = setup.mine(&first).await;
    setup.clock.advance(LEASE);
    assert_eq!(setup.claim(&request("a", "k", "two")).await, Claimed::Reused);
    let heir = setup.mine(&first).await;
    assert_eq!(heir.operation_id, dead.operation_id);
    setup.keys.keep(&dead, &KeptAnswer { status: 200, ..answer() }).await.unwrap();
    setup.keys.release(&dead).await.unwrap();
    assert_eq!(setup.claim(&first).await, Claimed::Running, "the heir's claim stands");
    setup.keys.keep(&heir, &answer()).await.unwrap();
    setup.clock.advance(LEASE);
    assert_eq!(setup.claim(&first).await, Claimed::Answered(answer()));
}

#[tokio::test]
async fn keys_are_forgotten_after_their_time_swept_or_not() {
    let setup = setup().await;
    let claim = setup.mine(&request("a", "k", "one")).await;
    setup.keys.keep(&claim, &answer()).await.unwrap();
    setup.mine(&request("a", "other", "one")).await;
    setup.clock.advance(DAY + Duration::from_secs(1));
    let again = setup.mine(&request("a", "k", "two")).await;
    assert_ne!(again.operation_id, claim.operation_id);
    let mut conn = setup.keys.pool.get().await.unwrap();
    let before = setup.clock.now() - delta(DAY);
    assert_eq!(delete_before(&mut conn, before, 100).await.unwrap(), 1);
    let sql = "SELECT count(*) FROM idempotency_keys";
    let left: i64 = setup.database.client().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(left, 1);
}

#[tokio::test]
async fn of_many_at_once_exactly_one_serves() {
    let setup = setup().await;
    let same = request("a", "k", "one");
    let claims = futures_util::future::join_all((0..12).map(|_| setup.claim(&same))).await;
    let mine = claims.iter().filter(|claimed| matches!(claimed, Claimed::Mine(_))).count();
    let running = claims.iter().filter(|claimed| **claimed == Claimed::Running).count();
    assert_eq!((mine, running), (1, 11));
}

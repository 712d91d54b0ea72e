//! Keys on a real database.

use chrono::DateTime;
use service_runtime::clock::ManualClock;
use service_runtime::database::{DatabaseSettings, connect, migrate};
use test_support::TestDatabase;

use super::*;
use crate::MIGRATIONS;

async fn rings(clock: &ManualClock, remember: Duration) -> (TestDatabase, KeyRing, KeyRing) {
    let database = TestDatabase::create("keys").await;
    let settings = DatabaseSettings::new(database.url());
    migrate(&settings, &MIGRATIONS).await.unwrap();
    let ring = || KeyRing::new(connect(&settings).unwrap(), Arc::new(clock.clone()), remember);
    let (one, other) = (ring(), ring());
    (database, one, other)
}

fn clock() -> ManualClock {
    ManualClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap())
}

fn new_key(scopes: &[Scope]) -> NewKey {
    NewKey {
        name: "ci".to_owned(),
        scopes: scopes.to_vec(),
        projects: None,
        expires_at: None,
        created_by: "test".to_owned(),
    }
}

#[tokio::test]
async fn a_key_is_known_everywhere_until_it_is_revoked() {
    let (database, one, other) = rings(&clock(), Duration::ZERO).await;
    let bound = NewKey { projects: Some(vec![ProjectId::default()]), ..new_key(&[Scope::Read]) };
    let (key, stored) = one.create_key(&bound, None).await.unwrap();
    let holder = other.holder_of(key.reveal()).await.unwrap().unwrap();
    assert_eq!((holder.id(), holder.name()), (stored.key_id.to_string(), "ci"));
    assert_eq!(holder.projects(), Some(&[ProjectId::default()][..]));
    assert!(holder.may(Scope::Read) && !holder.may(Scope::Write));
    assert!(other.holder_of("dats_0000").await.unwrap().is_none());

    let sql = "SELECT count(*) FROM api_keys WHERE api_keys::text LIKE '%dats_%'";
    let kept: i64 = database.client().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(kept, 0, "the key itself is kept nowhere");

    assert!(one.revoke_key(stored.key_id).await.unwrap());
    assert!(one.revoke_key(stored.key_id).await.unwrap(), "twice is no error");
    assert!(!one.revoke_key(KeyId(Uuid::nil())).await.unwrap());
    for ring in [&one, &other] {
        assert!(ring.holder_of(key.reveal()).await.unwrap().is_none());
    }
    let page = one.list_keys(10, 0).await.unwrap();
    assert_eq!(page.total, 1);
    assert!(page.keys[0].revoked_at.is_some());
}

#[tokio::test]
async fn a_replica_that_remembers_a_key_forgets_it_with_its_own_revocation_at_once() {
    let (_database, one, other) = rings(&clock(), Duration::from_secs(3600)).await;
    let (key, stored) = one.create_key(&new_key(&[Scope::Write]), None).await.unwrap();
    for ring in [&one, &other] {
        assert!(ring.holder_of(key.reveal()).await.unwrap().is_some());
    }
    one.revoke_key(stored.key_id).await.unwrap();
    assert!(one.holder_of(key.reveal()).await.unwrap().is_none());
    assert!(
        other.holder_of(key.reveal()).await.unwrap().is_some(),
        "remembered for as long as the setting says"
    );
}

#[tokio::test]
async fn a_key_expires_on_time_even_when_it_is_remembered() {
    let clock = clock();
    let (_database, one, _) = rings(&clock, Duration::from_secs(3600)).await;
    let expires_at = Some(Timestamp::from(clock.now() + chrono::TimeDelta::minutes(5)));
    let (key, _) = one.create_key(&NewKey { expires_at, ..new_key(&[Scope::Read]) }, None).await.unwrap();
    assert!(one.holder_of(key.reveal()).await.unwrap().is_some());
    clock.advance(Duration::from_secs(301));
    assert!(one.holder_of(key.reveal()).await.unwrap().is_none());
}

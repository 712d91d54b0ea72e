//! The keys there are: making, listing and revoking them, and finding whose one is. What was found is remembered for
//! a few seconds, so that a busy caller costs no query each time; for so long may a revoked key live on elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::{ProjectId, Timestamp};
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};
use uuid::Uuid;

use super::caller::{Caller, KeyId, Scope};
use super::secret::{ApiKey, KeyDigest};
use super::store;
use crate::idempotency::OperationId;

/// Answers remembered at most; all are forgotten when there are more.
const MOST_REMEMBERED: usize = 10_000;

/// A key to be made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewKey {
    /// What people call it.
    pub(crate) name: String,
    /// What it is good for.
    pub(crate) scopes: Vec<Scope>,
    /// The only projects it may see; `None` for all.
    pub(crate) projects: Option<Vec<ProjectId>>,
    /// From when on it is useless.
    pub(crate) expires_at: Option<Timestamp>,
    /// Who makes it.
    pub(crate) created_by: String,
}

/// A key as it is known: everything but the key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredKey {
    /// Names it.
    pub(crate) key_id: KeyId,
    /// What people call it.
    pub(crate) name: String,
    /// What it is good for.
    pub(crate) scopes: Vec<Scope>,
    /// The only projects it may see; `None` for all.
    pub(crate) projects: Option<Vec<ProjectId>>,
    /// Who made it.
    pub(crate) created_by: String,
    /// When.
    pub(crate) created_at: Timestamp,
    /// From when on it is useless.
    pub(crate) expires_at: Option<Timestamp>,
    /// Since when it is useless.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl StoredKey {
    fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|time| time > now)
    }
}

/// Some keys, and how many there are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyPage {
    /// Newest first.
    pub(crate) keys: Vec<StoredKey>,
    /// All of them, on all pages.
    pub(crate) total: u64,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyRing {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    clock: Arc<dyn Clock>,
    remember: Duration,
    remembered: Mutex<HashMap<KeyDigest, Remembered>>,
}

struct Remembered {
    key: Option<(StoredKey, Caller)>,
    until: Instant,
}

impl KeyRing {
    /// Over the keys in that database; what was found is remembered for that long.
    pub(crate) fn new(pool: Pool, clock: Arc<dyn Clock>, remember: Duration) -> Self {
        Self { inner: Arc::new(Inner { pool, clock, remember, remembered: Mutex::default() }) }
    }

    /// Whose key that is; `None` if it is none, or none any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn holder_of(&self, key: &str) -> Result<Option<Caller>, StoreError> {
        let digest = KeyDigest::of(key);
        if let Some(known) = self.recall(&digest) {
            return Ok(known);
        }
        let found = store::find(&mut *self.inner.pool.get().await?, &digest).await?;
        let key = found.map(|key| {
            let holder =
                Caller::holder(key.key_id, key.name.clone(), key.scopes.clone(), key.projects.clone());
            (key, holder)
        });
        let holder = self.good(key.as_ref());
        self.remember(digest, key);
        Ok(holder)
    }

    /// Makes a key and returns it; nobody will see it again. A request that is served again makes the same one anew: what
    /// it made before nobody has seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn create_key(
        &self,
        new: &NewKey,
        operation: Option<OperationId>,
    ) -> Result<(ApiKey, StoredKey), StoreError> {
        let key = ApiKey::generate();
        let mut conn = self.inner.pool.get().await?;
        let id = KeyId(operation.map_or_else(Uuid::now_v7, |operation| operation.0));
        let stored = store::insert(&mut conn, id, &key.digest(), new, self.now().to_utc()).await?;
        Ok((key, stored))
    }

    /// Up to `limit` keys after the `offset` newest ones.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn list_keys(&self, limit: u32, offset: u32) -> Result<KeyPage, StoreError> {
        let mut conn = self.inner.pool.get().await?;
        let keys = store::list(&mut conn, limit.into(), offset.into()).await?;
        Ok(KeyPage { keys, total: store::count(&mut conn).await?.unsigned_abs() })
    }

    /// Makes a key useless: here at once, at other replicas when they have forgotten it. Whether there is one of that
    /// id; revoking it twice is no error.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn revoke_key(&self, key_id: KeyId) -> Result<bool, StoreError> {
        let mut conn = self.inner.pool.get().await?;
        let known = store::revoke(&mut conn, key_id, self.now().to_utc()).await?;
        self.remembered().clear();
        Ok(known)
    }

    /// `None`: not remembered. `Some(None)`: remembered as no good key.
    fn recall(&self, digest: &KeyDigest) -> Option<Option<Caller>> {
        let remembered = self.remembered();
        let known = remembered.get(digest).filter(|known| known.until > Instant::now())?;
        Some(self.good(known.key.as_ref()))
    }

    fn remember(&self, digest: KeyDigest, key: Option<(StoredKey, Caller)>) {
        let mut remembered = self.remembered();
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, Remembered { key, until: Instant::now() + self.inner.remember });
    }

    /// Keys that expire do so on time, remembered or not.
    fn good(&self, key: Option<&(StoredKey, Caller)>) -> Option<Caller> {
        key.filter(|(key, _)| key.is_good(self.now())).map(|(_, holder)| holder.clone())
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<KeyDigest, Remembered>> {
        // What is remembered is only a copy: none of it can be half changed.
        self.inner.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now().into()
    }
}

#[cfg(test)]
mod tests;

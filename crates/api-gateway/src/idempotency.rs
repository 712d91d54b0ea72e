//! Requests that clients repeat. Who sends one with an idempotency key claims that key first; whoever repeats it gets
//! the first answer, and while the first is served, is told so. When the one who served it died before it could store
//! the answer, its claim runs out and the next repetition serves the request again, under the same operation id. What
//! a request makes has ids that follow from that id, so what is there already is found and not made twice.

mod operation;
mod store;

pub(crate) use operation::OperationId;
pub(crate) use store::delete_before;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// How often a claim is tried again when the key that was in its way has gone meanwhile.
const MOST_TRIES: u32 = 3;

/// A request that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyedRequest {
    /// Whose key it is.
    pub(crate) caller: String,
    /// The key.
    pub(crate) key: String,
    /// What tells it from other requests.
    pub(crate) fingerprint: Fingerprint,
}

/// SHA-256 of what a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of the parts of a request, in their order.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptAnswer {
    /// HTTP status.
    pub(crate) status: u16,
    /// `Content-Type`.
    pub(crate) content_type: Option<String>,
    /// `Location`.
    pub(crate) location: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// What is to be done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Serve it.
    Mine(Claim),
    /// It was answered before.
    Answered(KeptAnswer),
    /// It is served at this moment.
    Running,
    /// The key was used for another request.
    Reused,
}

/// The right to serve a request and to store its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    request: KeyedRequest,
    claim_id: Uuid,
    /// From which the ids of what it makes follow.
    pub(crate) operation_id: OperationId,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Idempotency {
    pool: Pool,
    clock: Arc<dyn Clock>,
    keep: Duration,
    lease: Duration,
}

impl Idempotency {
    /// Keeps answers for `keep`; a request that is served for longer than `lease` is taken for abandoned.
    pub(crate) fn new(pool: Pool, clock: Arc<dyn Clock>, keep: Duration, lease: Duration) -> Self {
        Self { pool, clock, keep, lease }
    }

    /// Claims the key of a request.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn claim(&self, request: KeyedRequest) -> Result<Claimed, StoreError> {
        let mut conn = self.pool.get().await?;
        let mut tries = 0;
        loop {
            let now: DateTime<Utc> = self.clock.now();
            let attempt = store::Attempt {
                request: &request,
                claim_id: Uuid::new_v4(),
                operation_id: OperationId::generate(),
                now,
                lease_until: now + delta(self.lease),
                forgotten_before: now - delta(self.keep),
            };
            if let Some(operation_id) = store::claim(&mut conn, &attempt).await? {
                let claim_id = attempt.claim_id;
                return Ok(Claimed::Mine(Claim { request, claim_id, operation_id }));
            }
            tries += 1;
            match store::find(&mut conn, &request).await? {
                Some(found) => return Ok(found),
                None if tries < MOST_TRIES => {}
                None => return Ok(Claimed::Running),
            }
        }
    }

    /// Stores the answer, unless somebody else serves the request by now.
    ///
    /// # Errors
    /// When the store does not answer; the claim then runs out.
    pub(crate) async fn keep(&self, claim: &Claim, answer: &KeptAnswer) -> Result<(), StoreError> {
        Ok(store::keep(&mut *self.pool.get().await?, claim, answer).await?)
    }

    /// Gives the key back: the request was not judged and may be sent again, as it is or mended.
    ///
    /// # Errors
    /// When the store does not answer; the claim then runs out.
    pub(crate) async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        Ok(store::release(&mut *self.pool.get().await?, claim).await?)
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests;

//! Questions in, answers out (`provenance.query`).

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::FutureExt;
use messaging::{OutboxRelay, RpcHandler};
use metrics::histogram;
use protocol::provenance_query::{ProvenanceQuery, ProvenanceReply};
use serde_json::value::RawValue;
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};

use crate::measurements;
use crate::policy::Policy;
use crate::queries::{self, Desk, GraphLimits, Unanswered};

/// Answers questions.
pub struct QueryResponder {
    pool: Pool,
    relay: OutboxRelay,
    clock: Arc<dyn Clock>,
    policy: Policy,
    limits: GraphLimits,
}

impl QueryResponder {
    /// A responder that works through `pool`, lets `relay` publish what follows, and walks no further than `limits`.
    #[must_use]
    pub fn new(
        pool: Pool,
        relay: OutboxRelay,
        clock: Arc<dyn Clock>,
        policy: Policy,
        limits: GraphLimits,
    ) -> Self {
        Self { pool, relay, clock, policy, limits }
    }

    async fn reply(&self, request: &[u8]) -> ProvenanceReply<Box<RawValue>> {
        let query = serde_json::from_slice(request).map_err(|error| Unanswered::Invalid(error.to_string()));
        let answer = match query {
            Ok(query) => self.look_up(query).await,
            Err(unreadable) => Err(unreadable),
        };
        answer.map_or_else(Unanswered::reply, ProvenanceReply::Result)
    }

    async fn look_up(&self, query: ProvenanceQuery) -> Result<Box<RawValue>, Unanswered> {
        let mut connection = self.pool.get().await.map_err(StoreError::from)?;
        let desk = Desk { policy: self.policy, graph: self.limits, now: self.clock.now() };
        // Only one that is free this moment: waiting for it, several such questions would wait for each other.
        let mut second = if queries::uses_two(&query) {
            self.pool.get().now_or_never().and_then(Result::ok)
        } else {
            None
        };
        let answer = queries::answer(&mut connection, second.as_deref_mut(), query, &desk).await?;
        self.relay.dispatch(answer.follow);
        Ok(answer.value)
    }
}

#[async_trait]
impl RpcHandler for QueryResponder {
    async fn answer(&self, request: Vec<u8>) -> Vec<u8> {
        let begun = Instant::now();
        let reply = self.reply(&request).await;
        let outcome = match &reply {
            ProvenanceReply::Result(_) => "answered",
            ProvenanceReply::Error(_) => "refused",
        };
        histogram!(measurements::QUERY_SECONDS, "outcome" => outcome).record(begun.elapsed());
        serde_json::to_vec(&reply).unwrap_or_default()
    }
}

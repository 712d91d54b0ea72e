//! Questions in, answers out (`provenance.query`).

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use messaging::{OutboxRelay, RpcHandler};
use metrics::histogram;
use protocol::provenance_query::{ProvenanceQuery, ProvenanceReply, QueryError, QueryErrorCode};
use service_runtime::clock::Clock;
use service_runtime::database::{Pool, StoreError};
use tracing::error;

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

    async fn reply(&self, request: &[u8]) -> ProvenanceReply {
        let query: ProvenanceQuery = match serde_json::from_slice(request) {
            Ok(query) => query,
            Err(error) => return refuse(QueryErrorCode::InvalidArguments, error.to_string()),
        };
        match self.look_up(query).await {
            Ok(result) => ProvenanceReply::Result(result),
            Err(Unanswered::NotFound(what)) => refuse(QueryErrorCode::NotFound, what),
            Err(Unanswered::Invalid(why)) => refuse(QueryErrorCode::InvalidArguments, why),
            Err(Unanswered::Store(error)) => fail(&error),
        }
    }

    async fn look_up(&self, query: ProvenanceQuery) -> Result<serde_json::Value, Unanswered> {
        let mut connection = self.pool.get().await.map_err(StoreError::from)?;
        let desk = Desk { policy: self.policy, graph: self.limits, now: self.clock.now() };
        let answer = queries::answer(&mut connection, query, &desk).await?;
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

/// The asker hears whether trying again helps; the log hears why.
fn fail(cause: &StoreError) -> ProvenanceReply {
    let (code, message) = if cause.is_retryable() {
        (QueryErrorCode::Unavailable, "the provenance database is not available")
    } else {
        (QueryErrorCode::Internal, "the question could not be answered")
    };
    error!(error = %cause, cause = std::error::Error::source(cause), "a question could not be answered");
    refuse(code, message.to_owned())
}

fn refuse(code: QueryErrorCode, message: String) -> ProvenanceReply {
    ProvenanceReply::Error(QueryError { code, message })
}

//! Single records, for many who ask at once: questions that wait at the same moment share one message to the
//! provenance-store and one statement there. A question that comes alone waits for nobody.

use std::sync::Arc;
use std::time::Duration;

use messaging::{RpcClient, RpcError};
use protocol::provenance_query::{
    MOST_RECORDS_AT_ONCE, ProvenanceQuery, ProvenanceReply, QueryError, QueryErrorCode, RecordView,
};
use protocol::topology::PROVENANCE_QUERY_QUEUE;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tracing::{Instrument, Span};

use super::{ProvenanceError, failure, read_reply};

/// Questions that may wait; more wait in front.
const CAPACITY: usize = 1024;
/// Messages under way at once. The more, the fewer questions each of them carries.
const MESSAGES: usize = 4;

/// Looks records up. Cheap to clone; the loop behind it ends with the last clone.
#[derive(Clone)]
pub(super) struct RecordReader {
    waiting: mpsc::Sender<Waiting>,
    timeout: Duration,
}

struct Waiting {
    id: String,
    /// Of the request that asks.
    span: Span,
    reply: oneshot::Sender<Reply>,
}

/// What came back, as the provenance-store wrote it. Whoever asked reads it, on a thread of the own.
type Reply = Result<Vec<u8>, RpcError>;

impl RecordReader {
    /// A reader that waits at most `timeout` for each answer.
    pub(super) fn start(rpc: RpcClient, timeout: Duration) -> Self {
        let (waiting, receiver) = mpsc::channel(CAPACITY);
        tokio::spawn(ask_together(receiver, Desk { rpc, timeout }));
        Self { waiting, timeout }
    }

    /// The record by that id.
    pub(super) async fn find(&self, id: String) -> Result<Option<RecordView>, ProvenanceError> {
        let (reply, answer) = oneshot::channel();
        let question = Waiting { id, span: Span::current(), reply };
        let asked = async {
            let stopped = RpcError::Unavailable("this service is stopping");
            self.waiting.send(question).await.map_err(|_| stopped.clone())?;
            answer.await.unwrap_or(Err(stopped))
        };
        let reply = tokio::time::timeout(self.timeout, asked).await.unwrap_or(Err(RpcError::Timeout));
        read_reply(&reply.map_err(failure)?)
    }
}

async fn ask_together(mut waiting: mpsc::Receiver<Waiting>, desk: Desk) {
    let turns = Arc::new(Semaphore::new(MESSAGES));
    loop {
        // Taken before the questions are, so that what comes meanwhile goes along.
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
        let mut questions = Vec::new();
        if waiting.recv_many(&mut questions, MOST_RECORDS_AT_ONCE).await == 0 {
            return;
        }
        // Their clients are gone.
        questions.retain(|question| !question.reply.is_closed());
        let desk = desk.clone();
        tokio::spawn(async move {
            desk.answer(questions).await;
            drop(turn);
        });
    }
}

/// Where questions go out.
#[derive(Clone)]
struct Desk {
    rpc: RpcClient,
    timeout: Duration,
}

/// Why several questions have no answers together.
enum NotTogether {
    /// Nor would they have any alone.
    Failed(RpcError),
    /// Alone they may: the provenance-store is of a version that answers them one by one, or one of them is bad.
    Refused,
}

impl Desk {
    async fn answer(&self, questions: Vec<Waiting>) {
        let together = match questions.as_slice() {
            [] | [_] => Err(NotTogether::Refused),
            [first, ..] => self.ask_all(&questions).instrument(first.span.clone()).await,
        };
        match together {
            Ok(replies) => {
                for (question, reply) in questions.into_iter().zip(replies) {
                    question.answer(Ok(reply));
                }
            }
            Err(NotTogether::Failed(error)) => {
                questions.into_iter().for_each(|question| question.answer(Err(error.clone())));
            }
            Err(NotTogether::Refused) => {
                futures_util::future::join_all(questions.into_iter().map(|question| self.ask_one(question)))
                    .await;
            }
        }
    }

    /// A reply for each of the questions.
    async fn ask_all(&self, questions: &[Waiting]) -> Result<Vec<Vec<u8>>, NotTogether> {
        let ids = questions.iter().map(|question| question.id.clone()).collect();
        let reply = self.ask(&ProvenanceQuery::GetRecords { ids }).await.map_err(NotTogether::Failed)?;
        let replies: Vec<&RawValue> = match serde_json::from_slice(&reply) {
            Ok(ProvenanceReply::Result(replies)) => replies,
            Ok(ProvenanceReply::Error(QueryError { code: QueryErrorCode::Unavailable, .. })) => {
                return Ok(vec![reply.clone(); questions.len()]);
            }
            Ok(ProvenanceReply::Error(_)) | Err(_) => return Err(NotTogether::Refused),
        };
        if replies.len() == questions.len() {
            Ok(replies.into_iter().map(|reply| reply.get().as_bytes().to_vec()).collect())
        } else {
            Err(NotTogether::Refused)
        }
    }

    async fn ask_one(&self, question: Waiting) {
        let query = ProvenanceQuery::GetRecord { id: question.id.clone() };
        let reply = self.ask(&query).instrument(question.span.clone()).await;
        question.answer(reply);
    }

    async fn ask(&self, query: &ProvenanceQuery) -> Reply {
        let request =
            serde_json::to_vec(query).map_err(|_| RpcError::Unavailable("the question cannot be written"))?;
        self.rpc.call(PROVENANCE_QUERY_QUEUE, request, self.timeout).await
    }
}

impl Waiting {
    /// Nobody may wait for it any more.
    fn answer(self, reply: Reply) {
        let _ = self.reply.send(reply);
    }
}

#[cfg(test)]
mod tests;

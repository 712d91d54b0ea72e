//! One walk through a dead-letter queue, within one session.

use amqprs::channel::{BasicAckArguments, BasicGetArguments, Channel, GetMessage};
use tracing::{info, warn};

use super::{DeadLetter, DeadLetterError, DeadQueue, Verdict};
use crate::broker::uncancelled;
use crate::message::Outgoing;
use crate::publisher::Publisher;

/// Copies that are published together.
const BATCH: usize = 100;
/// A message that was put back so often is replaced by a copy.
const MOST_RETURNS: i64 = 8;

/// What a walk has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Visit {
    /// Messages that were looked at.
    pub seen: usize,
    /// Put back to where they belong.
    pub redriven: usize,
    /// Deleted.
    pub purged: usize,
    /// To be put back, but still there: nobody knows where they belong, or the broker did not take them.
    pub failed: usize,
    /// Whether there are more that were not looked at.
    pub truncated: bool,
}

/// What the copies of a batch are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Redrive,
    Renew,
}

struct Waiting {
    tag: u64,
    id: String,
    purpose: Purpose,
    copy: Outgoing,
}

pub(super) struct Visitor {
    channel: Channel,
    publisher: Publisher,
    queue: DeadQueue,
    left: usize,
    waiting: Vec<Waiting>,
    visit: Visit,
}

impl Visitor {
    /// Looks at so many messages at most: those that come meanwhile are for another walk, copies among them.
    pub(super) fn new(channel: Channel, publisher: Publisher, queue: DeadQueue, messages: usize) -> Self {
        Self { channel, publisher, queue, left: messages, waiting: Vec::new(), visit: Visit::default() }
    }

    pub(super) async fn run(
        mut self,
        mut judge: impl FnMut(&DeadLetter) -> Verdict + Send,
    ) -> Result<Visit, DeadLetterError> {
        while self.left > 0 {
            self.left -= 1;
            let Some(letter) = self.next().await? else { break };
            self.visit.seen += 1;
            let verdict = judge(&letter);
            self.obey(&letter, verdict).await?;
            if verdict == Verdict::Stop {
                self.visit.truncated = true;
                break;
            }
            if self.waiting.len() >= BATCH {
                self.publish_waiting().await?;
            }
        }
        self.publish_waiting().await?;
        Ok(self.visit)
    }

    async fn next(&self) -> Result<Option<DeadLetter>, DeadLetterError> {
        let (channel, arguments) = (self.channel.clone(), BasicGetArguments::new(&self.queue.name));
        let getting = async move { channel.basic_get(arguments).await };
        let got: Option<GetMessage> =
            uncancelled("taking a dead letter", getting).await?.map_err(crate::broker::BrokerError::from)?;
        Ok(got.map(DeadLetter::read))
    }

    async fn obey(&mut self, letter: &DeadLetter, verdict: Verdict) -> Result<(), DeadLetterError> {
        let (purpose, copy) = match verdict {
            Verdict::Purge => {
                self.acknowledge(letter.tag).await?;
                self.visit.purged += 1;
                info!(queue = self.queue.name, message.id = letter.id, "a dead letter is deleted");
                return Ok(());
            }
            Verdict::Redrive => (Purpose::Redrive, letter.revived(&self.queue.home)),
            Verdict::Leave | Verdict::Stop if letter.returns >= MOST_RETURNS => {
                (Purpose::Renew, Some(letter.renewed(&self.queue.name)))
            }
            Verdict::Leave | Verdict::Stop => return Ok(()),
        };
        match copy {
            Some(copy) => {
                self.waiting.push(Waiting { tag: letter.tag, id: letter.id.clone(), purpose, copy })
            }
            None => self.visit.failed += 1,
        }
        Ok(())
    }

    /// First the copies are confirmed, then the messages acknowledged.
    async fn publish_waiting(&mut self) -> Result<(), DeadLetterError> {
        let waiting = std::mem::take(&mut self.waiting);
        let (copies, handles): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|waiting| (waiting.copy, (waiting.tag, waiting.id, waiting.purpose)))
            .unzip();
        let settled = self.publisher.publish_all(copies).await;
        for ((tag, id, purpose), outcome) in handles.into_iter().zip(settled) {
            match (outcome, purpose) {
                (Ok(()), Purpose::Renew) => self.acknowledge(tag).await?,
                (Ok(()), Purpose::Redrive) => {
                    self.acknowledge(tag).await?;
                    self.visit.redriven += 1;
                    info!(queue = self.queue.name, message.id = id, "a dead letter is driven again");
                }
                (Err(error), purpose) => {
                    self.visit.failed += usize::from(purpose == Purpose::Redrive);
                    warn!(queue = self.queue.name, message.id = id, %error, "a dead letter stays where it is");
                }
            }
        }
        Ok(())
    }

    async fn acknowledge(&self, tag: u64) -> Result<(), DeadLetterError> {
        let channel = self.channel.clone();
        let acknowledging = async move { channel.basic_ack(BasicAckArguments::new(tag, false)).await };
        let acknowledged = uncancelled("acknowledging a dead letter", acknowledging).await?;
        Ok(acknowledged.map_err(crate::broker::BrokerError::from)?)
    }
}

//! Dead letters as clients see them.

use protocol::{TaskId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dead_letters::{DeadLetterReport, DeadLetterSummary, LetterBody};

/// A message that nobody could handle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(crate) struct DeadLetterView {
    /// Its message id; one made of its content where it has none.
    id: String,
    /// The queue that it lies in.
    #[schema(example = "orchestration-events.dead")]
    queue: String,
    /// Exchange that it was published to; empty for a queue's own name.
    #[schema(example = "task.events")]
    exchange: String,
    /// Key that it was published with.
    #[schema(example = "task.output.created")]
    routing_key: String,
    /// The event, as far as it names one.
    #[schema(example = "task.output.created")]
    event: Option<String>,
    /// The task that it is about, as far as it can be read.
    #[schema(value_type = Option<Uuid>)]
    task_id: Option<TaskId>,
    /// Why it is dead: in the words of the service that gave it up, or the broker's.
    reason: Option<String>,
    /// How often its handling failed, as far as that was counted.
    failures: u32,
    /// When it failed first, or died.
    #[schema(value_type = Option<DateTime>)]
    since: Option<Timestamp>,
    /// How long ago that is.
    age_seconds: Option<i64>,
    /// What it says; only where the letter was asked for by its `id`.
    body: Option<DeadLetterBodyView>,
}

/// What a dead letter says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterBody)]
struct DeadLetterBodyView {
    /// The first 64 KiB of it.
    content: String,
    /// How `content` is written: `text`, or `base64` where the body is no text.
    #[schema(example = "text")]
    encoding: &'static str,
    /// The size of the whole body.
    size_bytes: usize,
    /// Whether its end is missing here.
    truncated: bool,
}

impl From<LetterBody> for DeadLetterBodyView {
    fn from(body: LetterBody) -> Self {
        Self {
            content: body.content,
            encoding: body.encoding.as_str(),
            size_bytes: body.size_bytes,
            truncated: body.truncated,
        }
    }
}

impl DeadLetterView {
    /// The view of a letter at a time.
    pub(super) fn of(letter: DeadLetterSummary, now: chrono::DateTime<chrono::Utc>) -> Self {
        Self {
            id: letter.id,
            queue: letter.queue,
            exchange: letter.exchange,
            routing_key: letter.routing_key,
            event: letter.event,
            task_id: letter.task_id,
            reason: letter.reason,
            failures: letter.failures,
            since: letter.since.map(Into::into),
            age_seconds: letter.since.map(|since| (now - since).num_seconds().max(0)),
            body: letter.body.map(Into::into),
        }
    }
}

/// What was done with dead letters, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLettersDoneResponse {
    /// Whether nothing was done and this only tells what would be.
    dry_run: bool,
    /// Letters that were chosen.
    matched: usize,
    /// Put back into the queues where they belong.
    redriven: usize,
    /// Deleted.
    purged: usize,
    /// To be put back and still there: nobody knows where they belong, or the broker did not take them.
    failed: usize,
    /// Whether there may be more that were not looked at; ask again then.
    truncated: bool,
    /// The chosen letters, up to 200.
    dead_letters: Vec<DeadLetterView>,
}

impl DeadLettersDoneResponse {
    /// The view of what was done.
    pub(super) fn of(report: DeadLetterReport, dry_run: bool, now: chrono::DateTime<chrono::Utc>) -> Self {
        Self {
            dry_run,
            matched: report.matched,
            redriven: report.redriven,
            purged: report.purged,
            failed: report.failed,
            truncated: report.truncated,
            dead_letters: report.letters.into_iter().map(|letter| DeadLetterView::of(letter, now)).collect(),
        }
    }
}

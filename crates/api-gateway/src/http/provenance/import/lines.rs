//! Takes the lines of a body as they come, some at a time. Never holds more than a batch and one line.

mod beginning;
mod buffer;

use std::time::Duration;

use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt;
use protocol::ErrorCode;
use tokio::time::timeout;

use self::buffer::{Line, LineBuffer, Unreadable};
use crate::http::problem::ApiError;

/// Most lines of a batch.
const BATCH_LINES: usize = 400;
/// Bytes of lines after which a batch is full.
const BATCH_BYTES: usize = 1024 * 1024;
/// How long a batch that is not full waits for more. The connection hands over little at a time, and each batch
/// costs a transaction; a client that waits for an answer before it goes on waits no longer than this.
const MORE_WITHIN: Duration = Duration::from_millis(15);

/// Some lines. The first line of a body is 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Batch {
    /// Text that may be lines of an import.
    Lines { first_line: u64, lines: Vec<String> },
    /// A line that cannot be handed on, and the file that its beginning names.
    Unreadable { line: u64, file: Option<String>, reason: String },
}

/// A body in batches of lines.
pub(super) struct LineBatches {
    payload: Payload,
    buffer: LineBuffer,
    ended: bool,
    /// An unreadable line that ended the batch before it.
    unreadable: Option<Unreadable>,
    lines_given: u64,
}

impl LineBatches {
    /// The lines of `payload`; longer ones than `max_line_bytes` are unreadable.
    pub(super) fn new(payload: Payload, max_line_bytes: usize) -> Self {
        let buffer = LineBuffer::new(max_line_bytes);
        Self { payload, buffer, ended: false, unreadable: None, lines_given: 0 }
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// If the body breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, ApiError> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while self.unreadable.is_none() && lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
            match self.buffer.take(self.ended) {
                Some(Line::Text(text)) => {
                    bytes += text.len();
                    lines.push(text);
                }
                Some(Line::Unreadable(unreadable)) => self.unreadable = Some(unreadable),
                None if self.ended => break,
                None if lines.is_empty() => self.receive().await?,
                None => match timeout(MORE_WITHIN, self.receive()).await {
                    Ok(received) => received?,
                    Err(_) => break,
                },
            }
        }
        let first_line = self.lines_given + 1;
        if !lines.is_empty() {
            self.lines_given += u64::try_from(lines.len()).unwrap_or_default();
            return Ok(Some(Batch::Lines { first_line, lines }));
        }
        Ok(self.unreadable.take().map(|Unreadable { file, reason }| {
            self.lines_given += 1;
            Batch::Unreadable { line: first_line, file, reason }
        }))
    }

    async fn receive(&mut self) -> Result<(), ApiError> {
        let received: Option<Result<Bytes, _>> = self.payload.next().await;
        match received.transpose() {
            Ok(Some(chunk)) => self.buffer.push(&chunk),
            Ok(None) => self.ended = true,
            Err(_) => return Err(ApiError::new(ErrorCode::MalformedJson, "the body broke off")),
        }
        Ok(())
    }
}

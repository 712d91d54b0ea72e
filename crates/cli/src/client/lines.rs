//! An answer in JSON by lines, read as it comes.

use reqwest::Response;
use serde_json::Value;

use super::Client;
use crate::failure::{Exit, Failure};
use crate::json::Look;

/// The lines of an answer.
pub(crate) struct Lines {
    client: Client,
    response: Response,
    buffer: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// Reads an answer that the client got.
    pub(crate) fn new(client: &Client, response: Response) -> Self {
        Self { client: client.clone(), response, buffer: Vec::new(), ended: false }
    }

    /// The next line as text; `None` at the end. A last line that tells why there is no more is a failure.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return read(&line).map(Some);
            }
            if self.ended {
                let rest = std::mem::take(&mut self.buffer);
                return if rest.is_empty() { Ok(None) } else { read(&rest).map(Some) };
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => self.ended = true,
                Err(error) => return Err(self.client.broken(&error)),
            }
        }
    }
}

fn read(line: &[u8]) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(line).trim_end().to_owned();
    if text.starts_with("{\"error\"") {
        let line: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = format!("the gateway cannot go on: {}", line.text("error.message"));
        return Err(Failure::new(Exit::Unavailable, message)
            .hint("Run the same command again: what was done already is not done twice."));
    }
    Ok(text)
}

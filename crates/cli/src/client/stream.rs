//! Server-sent events of a task, taken up again where the connection broke off.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use super::{Client, in_path};
use crate::failure::{Exit, Failure};

/// How often the connection is made anew before the watcher gives up.
const MOST_RECONNECTS: u32 = 20;
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// The changes of one task, until it has ended.
pub(crate) struct TaskEvents {
    client: Client,
    path: String,
    last_event_id: Option<String>,
    connection: Option<Response>,
    text: SseText,
    reconnects: u32,
}

impl TaskEvents {
    /// Watches a task.
    pub(crate) fn watch(client: &Client, task_id: &str) -> Self {
        Self {
            client: client.clone(),
            path: format!("/tasks/{}/stream", in_path(task_id)),
            last_event_id: None,
            connection: None,
            text: SseText::default(),
            reconnects: 0,
        }
    }

    /// The next change; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            while let Some(event) = self.text.take() {
                self.reconnects = 0;
                self.last_event_id = event.id.or(self.last_event_id.take());
                if let Ok(data) = serde_json::from_str(&event.data) {
                    return Ok(Some(data));
                }
            }
            let Some(connection) = &mut self.connection else {
                if !self.connect().await? {
                    return Ok(None);
                }
                continue;
            };
            match connection.chunk().await {
                Ok(Some(chunk)) => self.text.push(&chunk),
                Ok(None) | Err(_) => self.connection = None,
            }
        }
    }

    /// False when the task's end has been told already.
    async fn connect(&mut self) -> Result<bool, Failure> {
        loop {
            let mut request =
                self.client.request(Method::GET, &self.path).header("accept", "text/event-stream");
            if let Some(id) = &self.last_event_id {
                request = request.header("last-event-id", id);
            }
            match self.client.send(request).await {
                Ok(response) if response.status() == StatusCode::NO_CONTENT => return Ok(false),
                Ok(response) => {
                    self.text = SseText::default();
                    self.connection = Some(response);
                    self.reconnects += 1;
                    if self.reconnects > MOST_RECONNECTS {
                        return Err(Failure::new(
                            Exit::Unavailable,
                            "the gateway keeps ending the connection",
                        ));
                    }
                    return Ok(true);
                }
                Err(failure) if failure.exit == Exit::Unavailable && self.last_event_id.is_some() => {
                    self.reconnects += 1;
                    if self.reconnects > MOST_RECONNECTS {
                        return Err(failure);
                    }
                    tokio::time::sleep(RECONNECT_AFTER).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
struct SseEvent {
    id: Option<String>,
    data: String,
}

/// Text of a stream, whatever pieces it comes in.
#[derive(Debug, Default)]
struct SseText {
    bytes: Vec<u8>,
}

impl SseText {
    fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// The next event that has data; comments have none.
    fn take(&mut self) -> Option<SseEvent> {
        loop {
            let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
            let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
            let mut event = SseEvent::default();
            for line in String::from_utf8_lossy(&block).lines() {
                if let Some(id) = line.strip_prefix("id:") {
                    event.id = Some(id.trim().to_owned());
                } else if let Some(data) = line.strip_prefix("data:") {
                    event.data.push_str(data.trim_start());
                }
            }
            if !event.data.is_empty() {
                return Some(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_in_whatever_pieces_they_come() {
        let stream = b": ping\n\nid: 3\ndata: {\"a\":1}\n\ndata: {\"b\":2}\n\nid: 4\nda";
        let mut text = SseText::default();
        let mut events = Vec::new();
        for byte in stream {
            text.push(&[*byte]);
            events.extend(std::iter::from_fn(|| text.take()));
        }
        let event =
            |id: Option<&str>, data: &str| SseEvent { id: id.map(str::to_owned), data: data.to_owned() };
        assert_eq!(events, [event(Some("3"), "{\"a\":1}"), event(None, "{\"b\":2}")]);
    }
}

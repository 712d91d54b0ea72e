//! Clients that watch: a WebSocket and a stream of server-sent events, as any other program would open them.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::{Client, TASK_TIME};

/// A WebSocket.
pub struct Watcher {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Watcher {
    /// Opens a WebSocket at a path of the client's gateway.
    pub async fn open(client: &Client, path: &str) -> Self {
        Self::try_open(client, path, HeaderMap::new()).await.expect("a WebSocket")
    }

    /// The same with headers; the HTTP status when it is refused.
    ///
    /// # Errors
    /// The HTTP status of the refusal.
    pub async fn try_open(client: &Client, path: &str, headers: HeaderMap) -> Result<Self, u16> {
        let url = format!("{}{path}", client.url().replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a URL");
        for (name, value) in &headers {
            let name = name.as_str().parse::<tokio_tungstenite::tungstenite::http::HeaderName>();
            request
                .headers_mut()
                .insert(name.expect("a name"), value.as_bytes().try_into().expect("a value"));
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        self.try_next(TASK_TIME).await.expect("a message in time")
    }

    /// The next message, if it comes within `patience`.
    pub async fn try_next(&mut self, patience: Duration) -> Option<Value> {
        timeout(patience, async {
            loop {
                match self.socket.next().await.expect("an open socket").expect("a frame") {
                    Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        })
        .await
        .ok()
    }

    /// Reads on to the end: how many messages came and with which code it was closed.
    pub async fn read_to_close(mut self) -> (usize, u16) {
        let mut messages = 0;
        loop {
            let frame = timeout(TASK_TIME, self.socket.next()).await.expect("a frame in time");
            match frame.expect("a goodbye").expect("a frame") {
                Message::Text(_) => messages += 1,
                Message::Close(reason) => return (messages, reason.expect("a reason").code.into()),
                _ => {}
            }
        }
    }
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamedEvent {
    /// Its `id`.
    pub id: String,
    /// Its `data`.
    pub data: Value,
}

/// A stream of server-sent events.
pub struct EventStream {
    response: Response,
    read: String,
}

impl EventStream {
    /// Opens the stream of a task; `last_event_id` as a client that comes back sends it.
    pub async fn open(client: &Client, task_id: &str, last_event_id: Option<&str>) -> Self {
        let path = format!("/api/v1/tasks/{task_id}/stream");
        let mut request = client.request(reqwest::Method::GET, &path).timeout(TASK_TIME * 2);
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<StreamedEvent> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                    let data = serde_json::from_str(data).expect("one line of JSON");
                    return Some(StreamedEvent { id: id.to_owned(), data });
                }
            }
            let chunk = timeout(TASK_TIME, self.response.chunk()).await.expect("an event in time");
            let chunk = chunk.expect("an orderly end")?;
            self.read.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    /// All events that are still to come.
    pub async fn rest(mut self) -> Vec<StreamedEvent> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

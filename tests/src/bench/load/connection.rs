//! One keep-alive connection: HTTP/1.1 with `Content-Length`, one request at a time.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_AT_ONCE: usize = 16 * 1024;
const LARGEST_HEAD: usize = 64 * 1024;

/// An open connection.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer; its body lies in the connection's buffer.
#[derive(Debug)]
pub struct Reply<'c> {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'c [u8],
}

/// The bytes of a GET.
#[must_use]
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// The bytes of a POST with a JSON body.
#[must_use]
pub fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(READ_AT_ONCE) })
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is not one of a known length.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Reply<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let head_end = loop {
            self.read_more().await?;
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end + 4;
            }
            if self.received.len() > LARGEST_HEAD {
                return Err(invalid("no end of the head"));
            }
        };
        let head = std::str::from_utf8(&self.received[..head_end]).map_err(|_| invalid("head not text"))?;
        let status = head.get(9..12).and_then(|digits| digits.parse().ok());
        let status: u16 = status.ok_or_else(|| invalid("no status"))?;
        let end = head_end + body_length(head, status)?;
        while self.received.len() < end {
            self.read_more().await?;
        }
        Ok(Reply { status, body: &self.received[head_end..end] })
    }

    async fn read_more(&mut self) -> Result<()> {
        self.received.reserve(READ_AT_ONCE);
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn body_length(head: &str, status: u16) -> Result<usize> {
    if matches!(status, 204 | 304) {
        return Ok(0);
    }
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(|| invalid("no content-length"))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn server(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            while stream.read(&mut request).await.unwrap() > 0 {
                // In two parts, as a network may cut it anywhere.
                let (one, two) = answer.split_at(answer.len() - 3);
                stream.write_all(one).await.unwrap();
                stream.flush().await.unwrap();
                stream.write_all(two).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn answers_are_read_to_their_end_one_after_another() {
        let address = server(b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello").await;
        let mut connection = Connection::open(address).await.unwrap();
        for request in [get("/"), post("/", "{}")] {
            let reply = connection.ask(&request).await.unwrap();
            assert_eq!((reply.status, reply.body), (201, b"hello".as_slice()));
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_length_is_an_error() {
        let address = server(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let mut connection = Connection::open(address).await.unwrap();
        assert_eq!(connection.ask(&get("/")).await.unwrap_err().kind(), ErrorKind::InvalidData);
    }
}

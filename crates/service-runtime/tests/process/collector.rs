//! A collector of traces that takes one request.

use test_support::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Listens until dropped.
pub(crate) struct Collector(TcpListener);

impl Collector {
    /// A collector on a free port.
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// The first request, head and body. The kernel has kept it if it came before this call.
    pub(crate) async fn request(&self) -> Vec<u8> {
        timeout(PATIENCE, self.read_request()).await.expect("a request in time")
    }

    async fn read_request(&self) -> Vec<u8> {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let mut request = Vec::new();
        loop {
            let read = stream.read_buf(&mut request).await.unwrap();
            if read == 0 || is_complete(&request) {
                break;
            }
        }
        // The client may be gone already.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        request
    }
}

fn is_complete(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|part| part == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| request.len() >= end + 4 + length)
}

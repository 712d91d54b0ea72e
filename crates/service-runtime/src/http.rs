//! HTTP servers under our shutdown: where they listen, and how they stop.
//!
//! Actix runs its own worker threads, each with a small runtime; the server itself is a future that
//! lives as a task on the service's runtime. Signals are ours, not actix's.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;

use actix_web::dev::Server;
use serde::Deserialize;
use tokio::net::{TcpSocket, lookup_host};
use tokio_util::sync::CancellationToken;

/// Connections that may wait to be accepted; the kernel has a limit of its own.
const BACKLOG: u32 = 2048;

/// Section `http`: where the service listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The address to listen on.
    pub host: String,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// A port of its own for `/livez`, `/readyz` and `/metrics`; without one they share `port`.
    pub ops_port: Option<u16>,
    /// Threads that serve requests; as many as there are cores when not set.
    pub workers: Option<NonZeroUsize>,
    /// How long an idle connection is kept open, in seconds.
    pub keep_alive_seconds: u64,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 0, ops_port: None, workers: None, keep_alive_seconds: 75 }
    }
}

impl HttpSettings {
    /// The port on which the operations endpoints answer.
    #[must_use]
    pub fn ops_port_or_port(&self) -> u16 {
        self.ops_port.unwrap_or(self.port)
    }

    /// How many threads serve requests.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.workers.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }

    /// Listens on every address that the host stands for and that there is on this machine. Connections wait there
    /// until a server takes them.
    ///
    /// # Errors
    /// When there is none, or the port is taken or not ours to take.
    pub async fn listen(&self, port: u16) -> io::Result<Vec<TcpListener>> {
        let mut listeners = Vec::new();
        let mut problem = io::Error::other("the host has no address");
        for address in lookup_host(self.address(port)).await? {
            match listen_at(address) {
                Ok(listener) => listeners.push(listener),
                Err(error) => problem = error,
            }
        }
        if listeners.is_empty() { Err(problem) } else { Ok(listeners) }
    }

    /// The address and port in the form that servers bind to.
    #[must_use]
    pub fn address(&self, port: u16) -> (String, u16) {
        (self.host.clone(), port)
    }
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Runs a server until `stop` is cancelled, then lets the requests under way finish. Build it with
/// `disable_signals()`; how long it waits is its `shutdown_timeout`.
///
/// # Errors
/// When the server fails.
pub async fn serve_until(server: Server, stop: CancellationToken) -> io::Result<()> {
    let handle = server.handle();
    let running = tokio::spawn(server);
    let stopper = tokio::spawn(async move {
        stop.cancelled().await;
        handle.stop(true).await;
    });
    let ended = running.await.map_err(io::Error::other)?;
    stopper.abort();
    ended
}

//! The product's services as child processes: find, start, watch, stop. What is started here is stopped by its
//! process id alone, and is killed when its handle is dropped.

mod service;

pub use service::{Launch, Service};

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use rand::Rng;
use tokio::signal::unix::{SignalKind, signal};

/// Ports to choose from: below the range that the kernel gives to outgoing connections, so that a port found
/// free stays free until the service listens on it.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The program `name` in the folder of the running program or one of the folders above it, where cargo puts it.
///
/// # Errors
/// When it was not built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let running = std::env::current_exe().context("cannot tell where this program is")?;
    running
        .ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            anyhow!("no program {name} near {}: run `cargo build --workspace --bins`", running.display())
        })
}

/// A loopback port that nobody listens on.
///
/// # Errors
/// When a hundred random ports are all taken.
pub fn free_port() -> anyhow::Result<u16> {
    let mut random = rand::rng();
    (0..100)
        .map(|_| random.random_range(PORTS))
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .ok_or_else(|| anyhow!("no free port between {} and {}", PORTS.start, PORTS.end))
}

/// Returns at the first Ctrl-C or SIGTERM.
///
/// # Errors
/// When signals cannot be listened to.
pub async fn until_told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

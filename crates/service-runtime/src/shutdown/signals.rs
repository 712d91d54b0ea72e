//! The signals that end a service.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Returns the name of the first of SIGTERM and SIGINT to arrive.
///
/// # Errors
/// When the operating system refuses to tell us about signals.
pub async fn wait_for_signal() -> io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

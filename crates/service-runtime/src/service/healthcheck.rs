//! `healthcheck`: asks the running service's own `/livez`, for containers without a shell.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::http::HttpSettings;

const LIMIT: Duration = Duration::from_secs(2);
const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Whether the service that runs with these settings answers.
pub(super) fn ask(settings: &HttpSettings) -> io::Result<()> {
    // An address that means "all of them" is good to listen on, not to talk to.
    let host = match settings.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "::1",
        host => host,
    };
    let address = (host, settings.ops_port_or_port())
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other(format!("{host} has no address")))?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(REQUEST)?;
    let mut status_line = [0; 12];
    stream.read_exact(&mut status_line)?;
    if status_line.ends_with(b" 200") {
        return Ok(());
    }
    Err(io::Error::other(format!("the service answered {}", String::from_utf8_lossy(&status_line))))
}

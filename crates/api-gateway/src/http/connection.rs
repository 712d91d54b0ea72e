//! Connections whose peers stop taking what we send: the kernel gives them up, so that neither a peer that vanished
//! nor one that never reads keeps its buffers for ever.

use std::any::Any;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use rustix::net::sockopt::set_tcp_user_timeout;
use tracing::debug;

/// How long sent data may stay unacknowledged, or a peer's window closed.
const GIVE_UP_AFTER_MS: u32 = 60_000;

/// Hook for every new connection.
pub(crate) fn limit_patience(connection: &dyn Any, _: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    if let Err(error) = set_tcp_user_timeout(stream, GIVE_UP_AFTER_MS) {
        debug!(%error, "a connection has no limit for unacknowledged data");
    }
}

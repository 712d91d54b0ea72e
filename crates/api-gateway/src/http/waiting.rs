//! What the REST port answers while the service still waits for its database: that the process lives and is not
//! ready, and 503 to everything else.

use std::io;
use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use service_runtime::ops::{self, OpsState};
use tracing::warn;

use super::problem::ApiError;
use super::trace;

/// A server that stands in for the application; stop it before the application takes over its listeners.
pub(crate) struct WaitingRoom(ServerHandle);

impl WaitingRoom {
    /// Serves on copies of the listeners.
    ///
    /// # Errors
    /// When a listener cannot be copied.
    pub(crate) fn open(listeners: &[TcpListener], ops: OpsState) -> io::Result<Self> {
        let mut server = HttpServer::new(move || {
            App::new()
                .configure(ops::configure(ops.clone()))
                .default_service(web::to(not_yet))
                .wrap(from_fn(trace::observe))
        })
        .workers(1)
        // A connection that stays would be one that never meets the application.
        .keep_alive(KeepAlive::Disabled)
        .shutdown_timeout(1)
        .disable_signals();
        for listener in listeners {
            server = server.listen(listener.try_clone()?)?;
        }
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(async move {
            if let Err(error) = server.await {
                warn!(%error, "probes get no answer until the database is there");
            }
        });
        Ok(Self(handle))
    }

    /// Answers what it has taken and takes no more; what comes now waits for the application.
    pub(crate) async fn close(self) {
        self.0.stop(true).await;
    }
}

async fn not_yet() -> Result<&'static str, ApiError> {
    Err(ApiError::unavailable("the service is starting: it waits for its database"))
}

//! The stand-in Agent Service: `/analyze`, `/estimate` and `/decompose` over HTTP, deterministic by keyword, with
//! faults that can be switched on while it runs.

mod answers;
mod faults;
mod routes;

pub use faults::{Fault, Faults};

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use anyhow::Context;
use tokio::task::JoinHandle;

/// A running Agent Service.
#[derive(Debug)]
pub struct AgentService {
    address: SocketAddr,
    faults: Faults,
    server: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl AgentService {
    /// Listens on 127.0.0.1 at `port`; 0 picks a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16, faults: Faults) -> anyhow::Result<Self> {
        let shared = web::Data::new(faults.clone());
        let server =
            HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes::configure))
                .workers(1)
                .disable_signals()
                .bind(("127.0.0.1", port))
                .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        let address = *server.addrs().first().context("listens nowhere")?;
        let server = server.run();
        let handle = server.handle();
        Ok(Self { address, faults, server: handle, task: tokio::spawn(server) })
    }

    /// Where it listens, as the services want it in `AGENT_SERVICE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its faults, to be changed at any time.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops listening.
    pub async fn stop(self) {
        self.server.stop(false).await;
        match tokio::time::timeout(Duration::from_secs(5), self.task).await {
            Ok(Ok(Ok(()))) => {}
            other => tracing::warn!(?other, "the Agent Service did not end well"),
        }
    }
}

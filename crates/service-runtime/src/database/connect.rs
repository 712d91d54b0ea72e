//! Opens one connection.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::silence::{Plain, Watching};
use super::target::{Target, TargetError};
use crate::tls;

/// How to open connections; made once, so that files are read once.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    layer: Layer,
}

/// What is between the driver and the socket.
#[derive(Clone)]
enum Layer {
    None,
    Watched(Watching<Plain>),
    Tls(MakeRustlsConnect),
    WatchedTls(Watching<MakeRustlsConnect>),
}

impl Connector {
    pub(super) fn new(target: Target) -> Result<Self, TargetError> {
        let mut config = target.config;
        let tls = match &target.tls {
            Some(wanted) => Some(MakeRustlsConnect::new(tls::client_config(wanted.ca_file.as_deref())?)),
            None => None,
        };
        let layer = match (tls, target.answer_within) {
            (None, None) => Layer::None,
            (Some(layer), None) => Layer::Tls(layer),
            (Some(layer), Some(limit)) => Layer::WatchedTls(Watching { layer, limit }),
            (None, Some(limit)) => {
                // For the driver the watch is a TLS layer that needs no agreement with the server.
                config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
                Layer::Watched(Watching { layer: Plain, limit })
            }
        };
        Ok(Self { config, layer })
    }

    pub(super) async fn open(&self) -> ConnectionResult<AsyncPgConnection> {
        match self.layer.clone() {
            Layer::None => self.through(NoTls).await,
            Layer::Watched(layer) => self.through(layer).await,
            Layer::Tls(layer) => self.through(layer).await,
            Layer::WatchedTls(layer) => self.through(layer).await,
        }
    }

    async fn through<T>(&self, layer: T) -> ConnectionResult<AsyncPgConnection>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: Send>,
        T::TlsConnect: TlsConnect<Socket, Future: Send>,
    {
        let (client, connection) = self.config.connect(layer).await.map_err(refused)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

fn refused(error: tokio_postgres::Error) -> ConnectionError {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    ConnectionError::BadConnection(format!("{error}{cause}"))
}

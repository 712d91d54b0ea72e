//! Opens one connection.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::target::{Target, TargetError};
use crate::tls;

/// How to open connections; made once, so that files are read once.
#[derive(Clone)]
pub(super) struct Connector {
    target: Target,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    pub(super) fn new(target: Target) -> Result<Self, TargetError> {
        let tls = match &target.tls {
            Some(wanted) => Some(MakeRustlsConnect::new(tls::client_config(wanted.ca_file.as_deref())?)),
            None => None,
        };
        Ok(Self { target, tls })
    }

    pub(super) async fn open(&self) -> ConnectionResult<AsyncPgConnection> {
        match self.tls.clone() {
            Some(tls) => {
                let (client, connection) = self.target.config.connect(tls).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            None => {
                let (client, connection) = self.target.config.connect(NoTls).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        }
    }
}

fn refused(error: tokio_postgres::Error) -> ConnectionError {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    ConnectionError::BadConnection(format!("{error}{cause}"))
}

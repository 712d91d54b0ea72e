//! TLS in front of a server that has none: ends the encryption and passes on what was in it. Its
//! certificate is made for it alone, so that a client trusts it only when told to.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::names;
use crate::proxy::server_of;

/// How a connection becomes encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsStart {
    /// From the first byte, as AMQPS and HTTPS do.
    AtOnce,
    /// After the client has asked for it in the words of PostgreSQL.
    AskedForByPostgres,
}

/// A proxy on a loopback port with a certificate for `localhost`; ends with this value.
#[derive(Debug)]
pub struct TlsProxy {
    address: SocketAddr,
    upstream: String,
    ca_file: PathBuf,
    task: JoinHandle<()>,
}

impl TlsProxy {
    /// A proxy for the server that `url` names (any scheme; host and port are required).
    ///
    /// # Panics
    /// When the URL names no server, no port is free or no certificate can be made.
    pub async fn in_front_of(url: &str, start: TlsStart) -> Self {
        let (upstream, target) = server_of(url).await;
        let certified = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let ca_file = std::env::temp_dir().join(names::fresh("ca")).with_extension("pem");
        std::fs::write(&ca_file, certified.cert.pem()).expect("write the certificate");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let task = tokio::spawn(accept(listener, acceptor(&certified), target, start));
        Self { address, upstream, ca_file, task }
    }

    /// `url` with this proxy, under the name in its certificate, in the place of the server.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        url.replacen(&self.upstream, &format!("localhost:{}", self.address.port()), 1)
    }

    /// The file (PEM) that makes a client trust this proxy.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        self.task.abort();
        // A file that is gone already is fine.
        let _ = std::fs::remove_file(&self.ca_file);
    }
}

fn acceptor(certified: &CertifiedKey<rcgen::KeyPair>) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a private key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a certificate with its key");
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, target: SocketAddr, start: TlsStart) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(carry(client, acceptor.clone(), target, start));
    }
}

/// Carries bytes both ways until either side ends. A client that does not trust us, or that speaks
/// without encryption, is let go.
async fn carry(
    mut client: TcpStream,
    acceptor: TlsAcceptor,
    target: SocketAddr,
    start: TlsStart,
) -> io::Result<()> {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    if start == TlsStart::AskedForByPostgres {
        let mut request = [0; SSL_REQUEST.len()];
        client.read_exact(&mut request).await?;
        if request != SSL_REQUEST {
            return Ok(());
        }
        client.write_all(b"S").await?;
    }
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(target).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::{ClientConfig, RootCertStore};
    use tokio_rustls::TlsConnector;

    use super::*;

    /// A server that sends one byte to whoever connects.
    async fn greeter() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("greet://{}/path", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(b"x").await.unwrap();
            }
        });
        url
    }

    async fn greeting(proxy: &TlsProxy, trusted: &Path) -> io::Result<u8> {
        let mut authorities = RootCertStore::empty();
        authorities.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let stream = TcpStream::connect(proxy.address).await?;
        let name = "localhost".try_into().unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await?.read_u8().await
    }

    #[tokio::test]
    async fn only_a_client_that_trusts_the_proxy_gets_through() {
        let url = greeter().await;
        let proxy = TlsProxy::in_front_of(&url, TlsStart::AtOnce).await;
        let stranger = TlsProxy::in_front_of(&url, TlsStart::AtOnce).await;
        assert!(proxy.url(&url).starts_with("greet://localhost:") && proxy.url(&url).ends_with("/path"));
        assert_eq!(greeting(&proxy, proxy.ca_file()).await.unwrap(), b'x');
        assert!(greeting(&proxy, stranger.ca_file()).await.is_err());
    }
}

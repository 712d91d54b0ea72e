//! A TCP proxy in front of a server, to make the network fail on command.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// How long a slow network lets bytes through at a time.
const GAP: Duration = Duration::from_millis(2);

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Everything gets through.
    Clear,
    /// Connections break, new ones are closed at once.
    Cut,
    /// Nothing gets through, and nobody is told.
    Frozen,
    /// What is under way moves on once in every so many milliseconds.
    Slow(u64),
}

/// A proxy on a loopback port; ends with this value, and its connections with it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    upstream: String,
    weather: Arc<watch::Sender<Weather>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy for the server that `url` names (any scheme; host and port are required).
    ///
    /// # Panics
    /// When the URL names no server, or no port is free.
    pub async fn in_front_of(url: &str) -> Self {
        let (upstream, target) = server_of(url).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let (weather, _) = watch::channel(Weather::Clear);
        let weather = Arc::new(weather);
        let task = tokio::spawn(accept(listener, target, Arc::clone(&weather)));
        Self { address, upstream, weather, task }
    }

    /// `url` with this proxy in the place of the server.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        url.replacen(&self.upstream, &self.address.to_string(), 1)
    }

    /// Breaks all connections and accepts no new ones, as a stopped server does.
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
    }

    /// Lets nothing through any more without breaking anything, as a lost network does. Bytes under
    /// way are kept, and arrive after [`Proxy::restore`].
    pub fn freeze(&self) {
        self.weather.send_replace(Weather::Frozen);
    }

    /// Lets bytes through only once in every so many milliseconds: each answer takes up to that much longer.
    pub fn slow(&self, every_ms: u64) {
        self.weather.send_replace(Weather::Slow(every_ms));
    }

    /// Lets everything through again.
    pub fn restore(&self) {
        self.weather.send_replace(Weather::Clear);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The server in a URL, as it is written and as an address.
pub(crate) async fn server_of(url: &str) -> (String, SocketAddr) {
    let server = host_and_port(url).to_owned();
    let address = lookup_host(&server).await.ok().and_then(|mut addresses| addresses.next());
    let address = address.unwrap_or_else(|| panic!("{server} has no address"));
    (server, address)
}

fn host_and_port(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, server)| server)
}

async fn accept(listener: TcpListener, target: SocketAddr, weather: Arc<watch::Sender<Weather>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(carry(client, target, weather.subscribe()));
    }
}

/// Carries bytes both ways until either side ends or the network is cut. While it is frozen the copying
/// is not polled, so that bytes stay where they are.
async fn carry(mut client: TcpStream, target: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let copying = async move {
        let mut server = TcpStream::connect(target).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        copy_bidirectional(&mut client, &mut server).await
    };
    tokio::pin!(copying);
    loop {
        let now = *weather.borrow_and_update();
        let changed = match now {
            Weather::Cut => return,
            Weather::Frozen => weather.changed().await,
            Weather::Slow(every_ms) => {
                tokio::select! {
                    _ = &mut copying => return,
                    () = tokio::time::sleep(GAP) => {}
                }
                // Either way it is looked at again.
                timeout(Duration::from_millis(every_ms), weather.changed()).await.unwrap_or(Ok(()))
            }
            Weather::Clear => tokio::select! {
                _ = &mut copying => return,
                changed = weather.changed() => changed,
            },
        };
        if changed.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::PATIENCE;

    async fn echo_server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("echo://user:pass@{}/path", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        url
    }

    async fn connect(proxy: &Proxy, url: &str) -> TcpStream {
        TcpStream::connect(host_and_port(&proxy.url(url))).await.unwrap()
    }

    async fn echo(stream: &mut TcpStream) -> std::io::Result<u8> {
        stream.write_all(b"x").await?;
        timeout(PATIENCE, stream.read_u8()).await.unwrap()
    }

    #[tokio::test]
    async fn bytes_get_through_until_the_network_is_cut_and_after_it_is_restored() {
        let url = echo_server().await;
        let proxy = Proxy::in_front_of(&url).await;
        assert!(
            proxy.url(&url).starts_with("echo://user:pass@127.0.0.1:") && proxy.url(&url).ends_with("/path")
        );
        let mut stream = connect(&proxy, &url).await;
        assert_eq!(echo(&mut stream).await.unwrap(), b'x');
        proxy.cut();
        assert!(echo(&mut stream).await.is_err());
        assert!(echo(&mut connect(&proxy, &url).await).await.is_err());
        proxy.restore();
        assert_eq!(echo(&mut connect(&proxy, &url).await).await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_frozen_network_delivers_later() {
        let url = echo_server().await;
        let proxy = Proxy::in_front_of(&url).await;
        let mut stream = connect(&proxy, &url).await;
        assert_eq!(echo(&mut stream).await.unwrap(), b'x');
        proxy.freeze();
        stream.write_all(b"y").await.unwrap();
        assert!(timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
        proxy.restore();
        assert_eq!(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap(), b'y');
    }

    #[tokio::test]
    async fn a_slow_network_delivers_everything() {
        let url = echo_server().await;
        let proxy = Proxy::in_front_of(&url).await;
        proxy.slow(20);
        let mut stream = connect(&proxy, &url).await;
        for _ in 0..3 {
            assert_eq!(echo(&mut stream).await.unwrap(), b'x');
        }
    }
}

//! A TCP proxy in front of servers, to make the network fail on command.

mod carry;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use carry::{Weather, carry};

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
        Self::in_front_of_any(&[url]).await
    }

    /// A proxy for several servers that are as good as each other: each connection goes to the next one in turn that
    /// accepts it, as behind a load balancer.
    ///
    /// # Panics
    /// When a URL names no server, there is none, or no port is free.
    pub async fn in_front_of_any(urls: &[&str]) -> Self {
        let mut targets = Vec::new();
        for url in urls {
            targets.push(server_of(url).await);
        }
        let upstream = targets.first().expect("a server").0.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let (weather, _) = watch::channel(Weather::Clear);
        let weather = Arc::new(weather);
        let addresses = targets.into_iter().map(|(_, address)| address).collect();
        let task = tokio::spawn(accept(listener, addresses, Arc::clone(&weather)));
        Self { address, upstream, weather, task }
    }

    /// `url` with this proxy in the place of the server (the first one, where there are several).
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

    /// The same for what goes to the server: its answers still arrive.
    pub fn hold_requests(&self) {
        self.weather.send_replace(Weather::RequestsHeld);
    }

    /// The same for what comes from the server: it hears and does everything, and its answers do not arrive.
    pub fn hold_answers(&self) {
        self.weather.send_replace(Weather::AnswersHeld);
    }

    /// Lets bytes through only once in every so many milliseconds: each answer takes up to that much longer.
    pub fn slow(&self, every_ms: u64) {
        self.weather.send_replace(Weather::Slow(every_ms));
    }

    /// Makes connections stall now and then for up to a second, each by itself, as lost packets do that are sent again.
    pub fn lose_packets(&self) {
        self.weather.send_replace(Weather::Lossy);
    }

    /// Leaves all connections half open: the server sees them end, the client sees them open, what it writes is taken
    /// and nothing is ever answered, also after [`Proxy::restore`]. New ones have the same fate until then.
    pub fn abandon(&self) {
        self.weather.send_replace(Weather::Abandoned);
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

async fn accept(listener: TcpListener, targets: Vec<SocketAddr>, weather: Arc<watch::Sender<Weather>>) {
    let mut connections = JoinSet::new();
    let mut turn = 0_usize;
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let mut in_turn = targets.clone();
        in_turn.rotate_left(turn % targets.len());
        turn = turn.wrapping_add(1);
        let weather = weather.subscribe();
        connections.spawn(async move { carry(client, connect(in_turn), weather).await });
    }
}

/// A connection to the first server that accepts one.
async fn connect(targets: Vec<SocketAddr>) -> std::io::Result<TcpStream> {
    let mut failure = std::io::ErrorKind::NotConnected.into();
    for target in targets {
        match TcpStream::connect(target).await {
            Ok(server) => return Ok(server),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

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

    #[tokio::test]
    async fn requests_and_answers_are_held_each_by_itself() {
        let url = echo_server().await;
        let proxy = Proxy::in_front_of(&url).await;
        for hold in [Proxy::hold_requests, Proxy::hold_answers] {
            let mut stream = connect(&proxy, &url).await;
            assert_eq!(echo(&mut stream).await.unwrap(), b'x');
            hold(&proxy);
            stream.write_all(b"y").await.unwrap();
            assert!(timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
            proxy.restore();
            assert_eq!(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap(), b'y');
        }
    }

    #[tokio::test]
    async fn a_network_that_loses_packets_delivers_everything() {
        let url = echo_server().await;
        let proxy = Proxy::in_front_of(&url).await;
        proxy.lose_packets();
        let mut stream = connect(&proxy, &url).await;
        for _ in 0..3 {
            assert_eq!(echo(&mut stream).await.unwrap(), b'x');
        }
    }

    #[tokio::test]
    async fn an_abandoned_connection_takes_everything_and_answers_nothing_ever_again() {
        let url = echo_server().await;
        let proxy = Proxy::in_front_of(&url).await;
        let mut stream = connect(&proxy, &url).await;
        assert_eq!(echo(&mut stream).await.unwrap(), b'x');
        proxy.abandon();
        let mut later = connect(&proxy, &url).await;
        later.write_all(b"z").await.unwrap();
        assert!(timeout(Duration::from_millis(50), later.read_u8()).await.is_err());
        proxy.restore();
        stream.write_all(b"y").await.unwrap();
        assert!(timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
        assert_eq!(echo(&mut connect(&proxy, &url).await).await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn of_several_servers_one_that_is_there_answers() {
        let (absent, present) = ("echo://127.0.0.1:1", echo_server().await);
        let proxy = Proxy::in_front_of_any(&[absent, &present]).await;
        for _ in 0..3 {
            assert_eq!(echo(&mut connect(&proxy, absent).await).await.unwrap(), b'x');
        }
    }
}

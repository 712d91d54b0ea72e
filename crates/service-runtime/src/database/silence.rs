//! Gives up a connection to a server that takes a statement and never answers, as one that is open on our side only.
//!
//! The kernel notices a peer that is gone, and the server ends statements that take too long; neither helps where
//! something between us and the server keeps our side open. The driver lets a TLS layer wrap its socket, so the watch
//! is such a layer: around the real one, or around none.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

/// Makes connections that are given up when the server is silent for longer than the limit after being asked.
#[derive(Debug, Clone)]
pub(super) struct Watching<T> {
    pub(super) layer: T,
    pub(super) limit: Duration,
}

impl<S, T> MakeTlsConnect<S> for Watching<T>
where
    T: MakeTlsConnect<S>,
    T::TlsConnect: TlsConnect<S, Future: Send + 'static>,
{
    type Stream = Watched<T::Stream>;
    type TlsConnect = Watching<T::TlsConnect>;
    type Error = T::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Self::TlsConnect, Self::Error> {
        Ok(Watching { layer: self.layer.make_tls_connect(domain)?, limit: self.limit })
    }
}

impl<S, T> TlsConnect<S> for Watching<T>
where
    T: TlsConnect<S, Future: Send + 'static>,
{
    type Stream = Watched<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let (connecting, limit) = (self.layer.connect(stream), self.limit);
        Box::pin(async move { Ok(Watched::new(connecting.await?, limit)) })
    }
}

/// A stream that fails when nothing can be read for too long after something was written.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    limit: Duration,
    /// The next time to look; it is not moved with every question, which would cost more than the question's bytes.
    alarm: Pin<Box<Sleep>>,
    asked_at: Option<Instant>,
}

impl<S> Watched<S> {
    fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, alarm: Box::pin(sleep(limit)), asked_at: None }
    }

    /// Ready when the last question has waited for too long; else whoever polls is woken when it has.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.alarm.as_mut().poll(context).is_ready() {
            let asked_at = self.asked_at.unwrap_or_else(Instant::now);
            if asked_at.elapsed() >= self.limit {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(asked_at + self.limit);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(context, buffer) {
            this.asked_at = None;
            return Poll::Ready(read);
        }
        this.poll_silence(context).map(|()| {
            let problem = format!("the server has not answered for {:?}", this.limit);
            Err(io::Error::new(io::ErrorKind::TimedOut, problem))
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        if written.is_ready() && this.asked_at.is_none() {
            this.asked_at = Some(Instant::now());
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// No encryption: a layer that does nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

/// A stream as it is.
#[derive(Debug)]
pub(super) struct Bare<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> MakeTlsConnect<S> for Plain {
    type Stream = Bare<S>;
    type TlsConnect = Self;
    type Error = Infallible;

    fn make_tls_connect(&mut self, _: &str) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsConnect<S> for Plain {
    type Stream = Bare<S>;
    type Error = Infallible;
    type Future = Ready<Result<Bare<S>, Infallible>>;

    fn connect(self, stream: S) -> Self::Future {
        ready(Ok(Bare(stream)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bare<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bare<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Bare<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

#[cfg(test)]
mod tests {
    use test_support::{PATIENCE, Proxy, TestDatabase, wait_until};

    use diesel_async::SimpleAsyncConnection;

    use super::super::{DatabaseSettings, Pool, connect};

    /// Statements may take 100 ms and 10 s more.
    fn pool(url: &str) -> Pool {
        let settings = DatabaseSettings { statement_timeout_ms: 100, ..DatabaseSettings::new(url) };
        connect(&settings).unwrap()
    }

    #[tokio::test]
    async fn a_connection_that_is_open_on_our_side_only_is_given_up_and_the_next_one_works() {
        let database = TestDatabase::create("silence").await;
        let proxy = Proxy::in_front_of(database.url()).await;
        let pool = pool(&proxy.url(database.url()));
        let mut connection = pool.get().await.unwrap();
        connection.batch_execute("SELECT 1").await.unwrap();
        proxy.abandon();
        let asking = tokio::spawn(async move { connection.batch_execute("SELECT 1").await });
        let answer = tokio::time::timeout(PATIENCE * 3, asking).await.expect("it is given up").unwrap();
        assert!(super::super::is_unavailable(&answer.unwrap_err()));
        proxy.restore();
        wait_until("the database to answer", PATIENCE, || async {
            let Ok(mut connection) = pool.get().await else { return false };
            connection.batch_execute("SELECT 1").await.is_ok()
        })
        .await;
    }
}

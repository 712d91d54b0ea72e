//! One connection through the proxy: bytes both ways, as the weather allows.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;

/// How long a slow network lets bytes through at a time.
const GAP: Duration = Duration::from_millis(2);
/// Of so many gaps of a network that loses packets one ends in a loss.
const GAPS_FOR_A_LOSS: u128 = 50;
/// How long a lost packet may take to be sent again.
const LONGEST_LOSS_MS: u128 = 1_000;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// Everything gets through.
    Clear,
    /// Connections break, new ones are closed at once.
    Cut,
    /// Nothing gets through, and nobody is told.
    Frozen,
    /// Nothing gets to the server.
    RequestsHeld,
    /// Nothing comes from the server.
    AnswersHeld,
    /// What is under way moves on once in every so many milliseconds.
    Slow(u64),
    /// Now and then nothing moves for a while.
    Lossy,
    /// The server's side is closed, the client's stays open for ever.
    Abandoned,
}

/// What happens to a connection until the weather changes.
enum Fate {
    /// Bytes move to the server, from the server, or both.
    Moves {
        up: bool,
        down: bool,
    },
    /// Both ways for a moment, then not at all for so long.
    Stutters(Duration),
    Breaks,
    IsAbandoned,
}

impl Weather {
    fn fate(self) -> Fate {
        match self {
            Self::Clear => Fate::Moves { up: true, down: true },
            Self::Cut => Fate::Breaks,
            Self::Frozen => Fate::Moves { up: false, down: false },
            Self::RequestsHeld => Fate::Moves { up: false, down: true },
            Self::AnswersHeld => Fate::Moves { up: true, down: false },
            Self::Slow(every_ms) => Fate::Stutters(Duration::from_millis(every_ms)),
            Self::Lossy => Fate::Stutters(loss()),
            Self::Abandoned => Fate::IsAbandoned,
        }
    }
}

/// How long the next loss takes; mostly there is none.
fn loss() -> Duration {
    let lot = Uuid::new_v4().as_u128();
    let lost = lot.is_multiple_of(GAPS_FOR_A_LOSS);
    let milliseconds = if lost { 200 + (lot >> 64) % (LONGEST_LOSS_MS - 200) } else { 0 };
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}

/// Carries bytes both ways until both sides have ended, one fails, or the network is cut. What may not move is not
/// polled, so that bytes stay where they are.
pub(super) async fn carry(
    client: TcpStream,
    connecting: impl Future<Output = io::Result<TcpStream>>,
    mut weather: watch::Receiver<Weather>,
) {
    let Ok(server) = connecting.await else { return };
    if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    // Both halves of the client's side outlive the server's side of an abandoned connection.
    let (mut from_client, mut to_client) = client.into_split();
    let abandoned = {
        let (mut from_server, mut to_server) = server.into_split();
        let up = pump(&mut from_client, &mut to_server);
        let down = pump(&mut from_server, &mut to_client);
        tokio::pin!(up, down);
        let (mut up_ended, mut down_ended) = (false, false);
        loop {
            let fate = weather.borrow_and_update().fate();
            let (move_up, move_down, pause) = match fate {
                Fate::Moves { up, down } => (up, down, None),
                Fate::Stutters(pause) => (true, true, Some(pause)),
                Fate::Breaks => break false,
                Fate::IsAbandoned => break true,
            };
            tokio::select! {
                done = &mut up, if move_up && !up_ended => {
                    if done.is_err() { break false }
                    up_ended = true;
                }
                done = &mut down, if move_down && !down_ended => {
                    if done.is_err() { break false }
                    down_ended = true;
                }
                changed = weather.changed() => if changed.is_err() { break false },
                () = sleep(GAP), if pause.is_some() => {
                    // Whatever comes first: it is looked at again.
                    let _ = tokio::time::timeout(pause.unwrap_or_default(), weather.changed()).await;
                }
            }
            if up_ended && down_ended {
                break false;
            }
        }
    };
    if abandoned {
        // Until the client gives up.
        let _ = copy(&mut from_client, &mut sink()).await;
    }
}

async fn pump(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> io::Result<()> {
    copy(from, to).await?;
    to.shutdown().await
}

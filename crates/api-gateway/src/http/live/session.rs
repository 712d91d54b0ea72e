//! One WebSocket: says what its subscription says, in order, and notices when nobody is there any more.

use std::sync::Arc;
use std::time::Duration;

use actix_ws::{CloseCode, CloseReason, Message, MessageStream, Session};
use protocol::TraceId;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tracing::debug;

use super::message::{Snapshot, SocketMessage, TaskState};
use crate::live::{Ending, Opened, Subscription, TaskUpdate};

/// Longest wait for a peer to take a message; also for it to take the goodbye.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a WebSocket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nobody is there to be told.
    Gone,
    /// The peer said goodbye.
    Left,
    /// The peer breaks the protocol.
    Confused,
    /// The subscription is over.
    Over(Ending),
}

/// Serves a subscriber until either side ends it. A peer that answers no two pings in a row is gone.
pub(super) async fn serve(
    trace: TraceId,
    opened: Opened,
    session: Session,
    incoming: MessageStream,
    ping_every: Duration,
) {
    let Opened { snapshot, truncated, subscription } = opened;
    let snapshot = snapshot_message(trace, &snapshot, truncated);
    let mut talk = Talk { session, subscription };
    let end = match talk.say(snapshot).await {
        Ok(()) => talk.go_on(incoming, ping_every).await,
        Err(end) => end,
    };
    debug!(trace.id = %trace, ?end, "a WebSocket ended");
    talk.say_goodbye(end).await;
}

fn snapshot_message(trace_id: TraceId, tasks: &[Arc<TaskUpdate>], truncated: bool) -> SocketMessage {
    let tasks = tasks.iter().map(|update| TaskState::from(&**update)).collect();
    SocketMessage::Snapshot(Snapshot { trace_id, tasks, truncated })
}

struct Talk {
    session: Session,
    subscription: Subscription,
}

impl Talk {
    async fn go_on(&mut self, mut incoming: MessageStream, ping_every: Duration) -> End {
        let mut heard_at = Instant::now();
        let mut ping = interval_at(heard_at + ping_every, ping_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                update = self.subscription.next() => match update {
                    Ok(update) => self.say(SocketMessage::TaskUpdate(TaskState::from(&*update))).await,
                    Err(ending) => Err(End::Over(ending)),
                },
                message = incoming.recv() => {
                    heard_at = Instant::now();
                    self.answer(message).await
                }
                _ = ping.tick() => {
                    if heard_at.elapsed() > ping_every * 5 / 2 {
                        return End::Gone;
                    }
                    self.send(Message::Ping(Default::default())).await
                }
            };
            if let Err(end) = told {
                return end;
            }
        }
    }

    async fn answer<E>(&mut self, message: Option<Result<Message, E>>) -> Result<(), End> {
        match message {
            Some(Ok(Message::Ping(data))) => self.send(Message::Pong(data)).await,
            Some(Ok(Message::Close(_))) => Err(End::Left),
            // Whatever else it says, it is there.
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) => Err(End::Confused),
            None => Err(End::Gone),
        }
    }

    async fn say(&mut self, message: SocketMessage) -> Result<(), End> {
        match serde_json::to_string(&message) {
            Ok(text) => self.send(Message::Text(text.into())).await,
            Err(error) => {
                debug!(%error, "a message could not be written");
                Err(End::Gone)
            }
        }
    }

    /// Waits while the peer does not read, but not for ever and not when it is cut off meanwhile.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let session = &mut self.session;
        let sending = async {
            match message {
                Message::Text(text) => session.text(text).await,
                Message::Ping(data) => session.ping(&data).await,
                Message::Pong(data) => session.pong(&data).await,
                _ => Ok(()),
            }
        };
        tokio::select! {
            biased;
            sent = timeout(SEND_TIMEOUT, sending) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_closed)) => Err(End::Gone),
                Err(_elapsed) => Err(End::Over(Ending::TooSlow)),
            },
            ending = self.subscription.ended() => Err(End::Over(ending)),
        }
    }

    /// Unsubscribes, then tells the peer why, if it listens.
    async fn say_goodbye(self, end: End) {
        let Self { session, subscription } = self;
        drop(subscription);
        let reason =
            |code, description: &str| Some(CloseReason { code, description: Some(description.into()) });
        let reason = match end {
            End::Gone => return,
            End::Left => None,
            End::Confused => reason(CloseCode::Protocol, "that was no WebSocket frame of acceptable size"),
            End::Over(Ending::TooSlow) => {
                reason(CloseCode::Again, "too slow: connect again for a new snapshot")
            }
            End::Over(Ending::Stopping) => reason(CloseCode::Away, "the service is stopping: connect again"),
        };
        let _ = timeout(SEND_TIMEOUT, session.close(reason)).await;
    }
}

//! `GET /tasks/{task_id}/stream`: the changes of one task as server-sent events.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{self, Stream};
use protocol::TaskId;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tracing::debug;

use super::event::{StreamEvent, events_of};
use crate::http::AppState;
use crate::http::openapi::answers::{CannotServe, NoSuchTask};
use crate::http::path::PathId;
use crate::http::problem::ApiError;
use crate::http::tasks::no_such_task;
use crate::live::{Opened, Subscription, TaskUpdate, Watch};
use crate::tasks::queries;

const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: &str = "last-event-id";
/// How often a comment keeps the connection alive.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING: &[u8] = b": ping\n\n";

/// Watches a task
///
/// Server-sent events: the task's state first, then each change; the stream ends after `task_complete`,
/// `task_failed` or `task_cancelled`. Each event's `data` is one line of JSON and its `id` is the task's sequence.
/// A client that comes back with `Last-Event-ID` is told the state only if it has changed since. A comment comes
/// every 15 s. Who reads too slowly is cut off and may come back.
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{task_id}/stream",
    tag = "tasks",
    params(
        ("task_id" = Uuid, Path, description = "The task"),
        ("Last-Event-ID" = Option<String>, Header, description = "`id` of the last event that was received"),
    ),
    responses(
        (status = 200, description = "Events; this is the data of one", body = StreamEvent,
            content_type = "text/event-stream"),
        (status = 204, description = "The task has ended, and `Last-Event-ID` names its end: do not come back"),
        NoSuchTask,
        CannotServe,
    )
)]
pub(crate) async fn stream_task(
    request: HttpRequest,
    state: Data<AppState>,
    task_id: PathId<TaskId>,
) -> Result<HttpResponse, ApiError> {
    let task_id = task_id.0;
    let task = queries::find_task(&state.tasks, task_id).await?.ok_or_else(|| no_such_task(task_id))?;
    if request.method() == Method::HEAD {
        return Ok(HttpResponse::Ok().content_type(EVENT_STREAM).finish());
    }
    let opened = state.live.subscribe(Watch::task(task.submission.trace_id, task_id)).await?;
    let Opened { snapshot, mut subscription, .. } = opened;
    let current = match snapshot.into_iter().next() {
        Some(current) => current,
        // A trace with more tasks than a snapshot shows: this one is read by itself.
        None => {
            let task = queries::find_task(&state.tasks, task_id).await?;
            let task = task.ok_or_else(|| no_such_task(task_id))?;
            let current = Arc::new(TaskUpdate::of(&task, 0));
            subscription.begin_after(&[Arc::clone(&current)]);
            current
        }
    };
    let is_known = last_event_id(&request).is_some_and(|seen| seen >= current.sequence);
    if is_known && current.status.is_terminal() {
        return Ok(HttpResponse::NoContent().finish());
    }
    let asked = current.review_id.clone().filter(|_| is_known);
    let events = Events { first: (!is_known).then_some(current), subscription, asked, ping: pings() };
    Ok(HttpResponse::Ok()
        .content_type(EVENT_STREAM)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        // Proxies that collect answers before they pass them on would make the stream useless.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events.into_stream()))
}

/// What is no number was not given by us; the client is told the state as if it came for the first time.
fn last_event_id(request: &HttpRequest) -> Option<u64> {
    request.headers().get(LAST_EVENT_ID)?.to_str().ok()?.trim().parse().ok()
}

fn pings() -> Interval {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

/// The stream's state. It is asked for more only while the client reads.
struct Events {
    /// The state at the beginning, until it has been told.
    first: Option<Arc<TaskUpdate>>,
    subscription: Subscription,
    /// The question that the client has been told of.
    asked: Option<String>,
    ping: Interval,
}

impl Events {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
        stream::unfold(Some(self), |events| async move {
            let mut events = events?;
            let (bytes, is_last) = events.next().await?;
            Some((Ok(bytes), (!is_last).then_some(events)))
        })
    }

    /// The next bytes and whether they are the last; `None` when the subscription is over, after which the client
    /// comes back.
    async fn next(&mut self) -> Option<(Bytes, bool)> {
        let update = match self.first.take() {
            Some(update) => update,
            None => tokio::select! {
                update = self.subscription.next() => update.ok()?,
                _ = self.ping.tick() => return Some((Bytes::from_static(PING), false)),
            },
        };
        match events_of(&update, &mut self.asked) {
            Ok(events) => Some((events.bytes, events.is_last)),
            Err(error) => {
                debug!(%error, "an event could not be written");
                None
            }
        }
    }
}

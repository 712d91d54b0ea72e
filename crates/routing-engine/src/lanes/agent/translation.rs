//! From what an agent says to what everybody else hears. Ids are made from the content, so that a message that is
//! delivered twice, and a result that is sent twice, are the same event.

use chrono::{DateTime, Utc};
use protocol::events::{
    AgentHeartbeat, EventData, Failure, TaskCompleted, TaskFailed, TaskProgress, TaskStarted,
};
use protocol::{Event, EventId, TraceId};
use tracing::{debug, warn};

use super::cancel::is_cancel;
use super::wire::{AgentError, Heartbeat, Progress, ProgressState, Reply, Unreadable, Verdict, WorkResult};
use super::wording::{bounded, cut, sentence};
use crate::{SOURCE, measurements};

/// Longest explanation of a failure that is passed on, in bytes.
const LONGEST_EXPLANATION: usize = 16 * 1024;

/// Reads agents' messages.
#[derive(Debug, Clone, Copy)]
pub struct ReplyReader {
    /// Longest output passed on whole, in bytes.
    pub max_inline_output_bytes: usize,
    /// Largest message that is read, in bytes.
    pub max_reply_bytes: usize,
}

/// A message on its way to events.
struct Translation<'a> {
    body: &'a [u8],
    message_id: &'a str,
    received_at: DateTime<Utc>,
}

impl ReplyReader {
    /// The events that a message means; none for one that is about nothing anybody waits for. `message_id` is the
    /// AMQP property, which tells apart messages whose bodies are alike.
    ///
    /// # Errors
    /// Says what about the message is not understood.
    pub fn read(
        &self,
        body: &[u8],
        message_id: Option<&str>,
        received_at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Unreadable> {
        if body.len() > self.max_reply_bytes {
            return Err(Unreadable::TooLarge { size: body.len(), limit: self.max_reply_bytes });
        }
        let message = Translation { body, message_id: message_id.unwrap_or_default(), received_at };
        Ok(match Reply::read(body)? {
            Reply::Heartbeat(heartbeat) => message.heartbeat(heartbeat),
            Reply::Progress(progress) if is_cancel(progress.task_id) => Vec::new(),
            Reply::Progress(progress) => message.progress(&progress),
            Reply::Result(result) if is_cancel(result.task_id) => {
                debug!("An agent answered a cancel request; the cancellation stands without it");
                Vec::new()
            }
            Reply::Result(result) => message.result(result, self.max_inline_output_bytes),
            Reply::Error(error) => message.error(error),
        })
    }
}

impl Translation<'_> {
    fn heartbeat(&self, heartbeat: Heartbeat) -> Vec<Event> {
        measurements::agent_said("heartbeat");
        let data = AgentHeartbeat {
            agent_id: heartbeat.agent_id,
            agent_type: heartbeat.agent_type,
            status: heartbeat.status,
            resources: heartbeat.resources,
            current_task_id: heartbeat.current_task_id.filter(|&task_id| !is_cancel(task_id)),
            timestamp: heartbeat.timestamp.unwrap_or(self.received_at.into()),
        };
        // Its trace id refers to nothing.
        vec![self.event(self.content_id("agent.heartbeat"), None, data)]
    }

    /// The first sign of running says that the work has begun, under an id that every further sign repeats.
    fn progress(&self, progress: &Progress) -> Vec<Event> {
        measurements::agent_said("progress");
        let mut events = Vec::with_capacity(2);
        if progress.state == ProgressState::Running {
            let request_id = progress.request_id.map(|id| id.to_string()).unwrap_or_default();
            let parts = ["task.started", &progress.task_id.to_string(), &request_id];
            let started = TaskStarted {
                task_id: progress.task_id,
                attempt: None,
                worker_id: None,
                agent_id: progress.agent_id.clone(),
                request_id: progress.request_id,
                message: None,
            };
            events.push(self.event(id_of(parts), progress.trace_id, started));
        }
        let data = TaskProgress {
            task_id: progress.task_id,
            attempt: None,
            worker_id: None,
            agent_id: progress.agent_id.clone(),
            request_id: progress.request_id,
            percent: progress.percent.map(|percent| percent.clamp(0.0, 100.0)),
            message: sentence(progress),
        };
        events.push(self.event(self.content_id("task.progress"), progress.trace_id, data));
        events
    }

    fn result(&self, result: WorkResult, longest_output: usize) -> Vec<Event> {
        let kind = match result.verdict {
            Verdict::Completed => "completed",
            Verdict::Failed => "failed",
            Verdict::Cancelled => "cancelled",
        };
        measurements::agent_said(kind);
        let id = match result.request_id {
            Some(request_id) => {
                id_of(["agent.result", &request_id.to_string(), &result.task_id.to_string(), kind])
            }
            // Without one, only the very same message is known to be the same result.
            None => self.content_id("agent.result"),
        };
        let trace_id = result.trace_id;
        let data = match result.verdict {
            Verdict::Completed => completed(result, longest_output),
            Verdict::Failed => failed(result, Failure::AGENT_FAILED, longest_output),
            Verdict::Cancelled => failed(result, Failure::AGENT_CANCELLED, longest_output),
        };
        vec![self.event(id, trace_id, data)]
    }

    fn error(&self, error: AgentError) -> Vec<Event> {
        measurements::agent_said("error");
        let Some(task_id) = error.task_id.filter(|&task_id| !is_cancel(task_id)) else {
            let message = cut(error.message, LONGEST_EXPLANATION);
            warn!(error.code = error.code, "An agent reports a problem that is about no task: {message}");
            return Vec::new();
        };
        let code = format!("AGENT_ERROR_{}", error.code);
        let data = TaskFailed {
            task_id,
            attempt: None,
            error: Failure::new(code, cut(error.message, LONGEST_EXPLANATION), true),
            worker_id: None,
            agent_id: None,
            request_id: error.request_id,
            exit_code: None,
            output: None,
            duration_ms: None,
            analysis_result: None,
        };
        vec![self.event(self.content_id("agent.error"), error.trace_id, data)]
    }

    fn event(&self, id: EventId, trace_id: Option<TraceId>, data: impl Into<EventData>) -> Event {
        Event { id, trace_id, ..Event::new(SOURCE, self.received_at, data) }
    }

    fn content_id(&self, kind: &str) -> EventId {
        EventId::of_content(&[kind.as_bytes(), self.message_id.as_bytes(), self.body])
    }
}

fn id_of<const N: usize>(parts: [&str; N]) -> EventId {
    EventId::of_content(&parts.map(str::as_bytes))
}

fn completed(result: WorkResult, longest_output: usize) -> EventData {
    TaskCompleted {
        task_id: result.task_id,
        project_id: None,
        attempt: None,
        agent_id: result.agent_id,
        request_id: result.request_id,
        exit_code: result.exit_code,
        output: cut(result.output, longest_output),
        duration_ms: result.duration_ms,
        resources_used: result.resources_used,
        analysis_result: result.analysis_result.map(|found| bounded(found, longest_output)),
    }
    .into()
}

/// Retryable as far as we can tell; the gateway knows whether the submitter wants another attempt.
fn failed(result: WorkResult, code: &str, longest_output: usize) -> EventData {
    let output = cut(result.output, longest_output);
    let told = result.error_message.filter(|message| !message.trim().is_empty());
    let message = told.unwrap_or_else(|| match (output.trim(), result.exit_code) {
        ("", Some(code)) => format!("the agent gave no reason, exit code {code}"),
        ("", None) => "the agent gave no reason".to_owned(),
        (output, _) => output.to_owned(),
    });
    TaskFailed {
        task_id: result.task_id,
        attempt: None,
        error: Failure::new(code, cut(message, LONGEST_EXPLANATION), true),
        worker_id: None,
        agent_id: result.agent_id,
        request_id: result.request_id,
        exit_code: result.exit_code,
        output: Some(output).filter(|output| !output.is_empty()),
        duration_ms: result.duration_ms,
        analysis_result: result.analysis_result.map(|found| bounded(found, longest_output)),
    }
    .into()
}

//! What agents send: results, two kinds of status, errors. Unknown members are ignored; what our reading does not
//! depend on (who it is from, its priority, its time) is not looked at, so that it cannot be a reason to lose a result.

use protocol::events::JsonObject;
use protocol::vocabulary::{AgentStatus, AgentType};
use protocol::{AgentId, RequestId, TaskId, Timestamp, TraceId};
use serde_json::Value;
use uuid::Uuid;

use super::VERSION;
use super::fields::{Fields, Unreadable};

/// Longest name of an agent that is kept, in bytes.
const LONGEST_AGENT_ID: usize = 255;

/// A message from an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It lives.
    Heartbeat(Heartbeat),
    /// It is this far.
    Progress(Progress),
    /// It is done.
    Result(WorkResult),
    /// Something is wrong.
    Error(AgentError),
}

/// A sign of life.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    /// As it names itself; all zeros when it does not.
    pub agent_id: AgentId,
    /// Which work it takes.
    pub agent_type: AgentType,
    /// What it says of itself.
    pub status: AgentStatus,
    /// What it works on.
    pub current_task_id: Option<TaskId>,
    /// Its resources, as sent.
    pub resources: JsonObject,
    /// When it said so, if that can be read.
    pub timestamp: Option<Timestamp>,
}

/// How far the work on a task is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The task.
    pub task_id: TaskId,
    /// The trace of the request.
    pub trace_id: Option<TraceId>,
    /// The hand-over that the envelope repeats; some agents make one up.
    pub request_id: Option<RequestId>,
    /// The agent, where it says.
    pub agent_id: Option<String>,
    /// What it is doing.
    pub state: ProgressState,
    /// 0 to 100.
    pub percent: Option<f64>,
    /// At which step.
    pub step: Option<Step>,
}

/// What an agent says about the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressState {
    /// It goes on.
    Running,
    /// A step is done.
    StepCompleted,
    /// It rests.
    Paused,
}

/// A step of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub number: Option<i64>,
    /// Its name; may be empty.
    pub name: String,
    /// What it printed; may be empty.
    pub output: String,
}

/// How the work on a task ended.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkResult {
    /// The task.
    pub task_id: TaskId,
    /// The trace of the request.
    pub trace_id: Option<TraceId>,
    /// The hand-over it answers.
    pub request_id: Option<RequestId>,
    /// Well or badly.
    pub verdict: Verdict,
    /// 0 for success, by convention.
    pub exit_code: Option<i64>,
    /// What it printed.
    pub output: String,
    /// What went wrong.
    pub error_message: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The agent; a new id in every result of most agents.
    pub agent_id: Option<String>,
    /// What it cost, as sent.
    pub resources_used: Option<JsonObject>,
    /// What it found out, as sent.
    pub analysis_result: Option<Value>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Done.
    Completed,
    /// Not done.
    Failed,
    /// Stopped by the agent.
    Cancelled,
}

/// An agent's complaint, about a task or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentError {
    /// The task, if it is about one.
    pub task_id: Option<TaskId>,
    /// The hand-over, if it names one.
    pub request_id: Option<RequestId>,
    /// The trace of the request.
    pub trace_id: Option<TraceId>,
    /// 1000 to 9999, by convention.
    pub code: i64,
    /// In words.
    pub message: String,
}

impl Reply {
    /// Reads a message body.
    ///
    /// # Errors
    /// Says what about it is not understood.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let json: Value =
            serde_json::from_slice(body).map_err(|error| Unreadable::NotJson(error.to_string()))?;
        let envelope = Fields::of(json.as_object().ok_or(Unreadable::NotAnObject)?);
        match envelope.value("protocol_version") {
            None => {}
            Some(Value::String(version)) if version == VERSION => {}
            Some(other) => return Err(Unreadable::Version(other.to_string())),
        }
        let message_type = envelope.required_text("type")?;
        let payload = || envelope.object("payload")?.ok_or(Unreadable::Missing("payload"));
        match message_type {
            "work_result" => work_result(envelope, payload()?).map(Self::Result),
            "work_status" => status(envelope, payload()?),
            "error" => error(envelope, payload()?).map(Self::Error),
            other => Err(Unreadable::NotAReply(other.to_owned())),
        }
    }
}

/// One type, two payloads: what names a task is progress, what names an agent is a heartbeat.
fn status(envelope: Fields<'_>, payload: Fields<'_>) -> Result<Reply, Unreadable> {
    if payload.value("task_id").is_some() {
        progress(envelope, payload).map(Reply::Progress)
    } else if payload.value("agent_id").is_some() {
        heartbeat(envelope, payload).map(Reply::Heartbeat)
    } else {
        Err(Unreadable::ShapelessStatus)
    }
}

fn heartbeat(envelope: Fields<'_>, payload: Fields<'_>) -> Result<Heartbeat, Unreadable> {
    let agent_type = match payload.text("agent_type")? {
        Some(word) => word,
        None => envelope.text("from_agent")?.ok_or(Unreadable::Missing("agent_type"))?,
    };
    let status = payload.text("status")?.unwrap_or(AgentStatus::Online.as_str());
    Ok(Heartbeat {
        agent_id: AgentId(payload.required_uuid("agent_id")?),
        agent_type: word(agent_type, "agent_type", "one of orchestrator, infra, desktop, code, research")?,
        status: word(status, "status", "one of online, offline, busy")?,
        current_task_id: payload.uuid("current_task_id")?.map(TaskId),
        resources: payload.json_object("resources")?.cloned().unwrap_or_default(),
        timestamp: timestamp(payload).or_else(|| timestamp(envelope)),
    })
}

fn progress(envelope: Fields<'_>, payload: Fields<'_>) -> Result<Progress, Unreadable> {
    let state = match payload.text("status")? {
        None | Some("running") => ProgressState::Running,
        Some("step_completed") => ProgressState::StepCompleted,
        Some("paused") => ProgressState::Paused,
        Some(_) => {
            let expected = "one of running, step_completed, paused";
            return Err(Unreadable::Wrong { field: "status", expected });
        }
    };
    Ok(Progress {
        task_id: TaskId(payload.required_uuid("task_id")?),
        trace_id: trace_id(envelope, payload),
        request_id: readable_uuid(envelope, "request_id").map(RequestId),
        agent_id: agent_id(payload),
        state,
        percent: payload.number("progress_percent")?,
        step: payload.object("step")?.map(step).transpose()?,
    })
}

fn step(step: Fields<'_>) -> Result<Step, Unreadable> {
    Ok(Step {
        number: step.integer("number")?,
        name: step.text("name")?.unwrap_or_default().to_owned(),
        output: step.text("output")?.unwrap_or_default().to_owned(),
    })
}

fn work_result(envelope: Fields<'_>, payload: Fields<'_>) -> Result<WorkResult, Unreadable> {
    let verdict = match payload.required_text("status")? {
        // Agents of the protocol's first draft say `success`.
        "completed" | "success" => Verdict::Completed,
        "failed" => Verdict::Failed,
        "cancelled" => Verdict::Cancelled,
        _ => {
            return Err(Unreadable::Wrong {
                field: "status",
                expected: "one of completed, failed, cancelled",
            });
        }
    };
    Ok(WorkResult {
        task_id: TaskId(payload.required_uuid("task_id")?),
        trace_id: trace_id(envelope, payload),
        // Only the payload's: an agent that leaves it out there has made up the envelope's.
        request_id: payload.uuid("request_id")?.map(RequestId),
        verdict,
        exit_code: payload.integer("exit_code")?,
        output: payload.text("output")?.unwrap_or_default().to_owned(),
        error_message: payload.text("error_message")?.map(str::to_owned),
        duration_ms: payload.integer("duration_ms")?.and_then(|duration| u64::try_from(duration).ok()),
        agent_id: agent_id(payload),
        resources_used: payload.json_object("resources_used")?.cloned(),
        // Whatever it is: nothing of ours depends on it.
        analysis_result: payload.value("analysis_result").cloned(),
    })
}

fn error(envelope: Fields<'_>, payload: Fields<'_>) -> Result<AgentError, Unreadable> {
    let context = match payload.object("context")? {
        Some(context) => Some(context),
        // The protocol's first draft called it so.
        None => payload.object("error_context")?,
    };
    let named = |name| context.map_or(Ok(None), |context| context.uuid(name));
    Ok(AgentError {
        task_id: named("task_id")?.map(TaskId),
        request_id: named("request_id")?.map(RequestId),
        trace_id: readable_uuid(envelope, "trace_id").map(TraceId),
        code: payload.integer("error_code")?.ok_or(Unreadable::Missing("error_code"))?,
        message: payload.text("error_message")?.unwrap_or_default().to_owned(),
    })
}

fn word<T: std::str::FromStr>(
    text: &str,
    field: &'static str,
    expected: &'static str,
) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable::Wrong { field, expected })
}

/// Agents write times in many ways, some of them no time at all; a result or heartbeat is not lost for that.
fn timestamp(fields: Fields<'_>) -> Option<Timestamp> {
    fields.value("timestamp")?.as_str()?.parse().ok()
}

/// Any text: most agents make up a UUID for every result, so that nothing can be known by it anyway.
fn agent_id(payload: Fields<'_>) -> Option<String> {
    let id = payload.value("agent_id")?.as_str()?;
    (!id.is_empty() && id.len() <= LONGEST_AGENT_ID).then(|| id.to_owned())
}

fn trace_id(envelope: Fields<'_>, payload: Fields<'_>) -> Option<TraceId> {
    readable_uuid(payload, "trace_id").or_else(|| readable_uuid(envelope, "trace_id")).map(TraceId)
}

/// The id, unless it is none or all zeros; nothing is lost without it.
fn readable_uuid(fields: Fields<'_>, name: &'static str) -> Option<Uuid> {
    fields.uuid(name).ok().flatten().filter(|id| !id.is_nil())
}

//! The jobs themselves: echo, slow_echo, fail. Everything else fails as unknown, `cancel` included.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::request::{Job, Request};
use crate::broker::{ConnectionLost, Outlet};

/// How a job ended.
pub(super) struct Ended {
    status: &'static str,
    exit_code: i64,
    output: String,
    error_message: Option<String>,
    duration: Duration,
}

impl Ended {
    fn well(output: String) -> Self {
        Self { status: "completed", exit_code: 0, output, error_message: None, duration: Duration::ZERO }
    }

    fn badly(work_type: &str, error: String) -> Self {
        let output = format!("Error executing {work_type}: {error}");
        let duration = Duration::ZERO;
        Self { status: "failed", exit_code: 1, output, error_message: Some(error), duration }
    }

    fn cancelled() -> Self {
        let error_message = Some("cancelled".to_owned());
        Self {
            status: "cancelled",
            exit_code: 130,
            output: String::new(),
            error_message,
            duration: Duration::ZERO,
        }
    }

    /// The payload of the result.
    pub(super) fn payload(&self, desk: &Desk, request: &Request, job: &Job) -> Value {
        json!({
            "task_id": job.task_id,
            "status": self.status,
            "exit_code": self.exit_code,
            "output": self.output,
            "error_message": self.error_message,
            "duration_ms": u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
            "agent_id": desk.settings.habits.identity.for_result(),
            "trace_id": request.trace_id,
            "request_id": request.request_id,
            "resources_used": { "cpu_time_ms": 0, "memory_peak_mb": 0, "gpu_memory_used_mb": 0 },
            "analysis_result": null,
        })
    }
}

/// Does the job. Only an agent that obeys hands in a token that is ever cancelled.
pub(super) async fn perform(
    desk: &Desk,
    request: &Request,
    job: &Job,
    cancelled: &CancellationToken,
    outlet: &Outlet,
) -> Ended {
    let began = Instant::now();
    let text = |name: &str| job.parameters.get(name).and_then(Value::as_str);
    let echo =
        || Ended::well(text("message").map_or("Echo: no message".to_owned(), |told| format!("Echo: {told}")));
    let ended = if cancelled.is_cancelled() {
        Ended::cancelled()
    } else {
        match job.work_type.as_str() {
            "echo" => echo(),
            "slow_echo" => {
                tokio::select! {
                    () = toil(desk, request, job, outlet) => echo(),
                    () = cancelled.cancelled() => Ended::cancelled(),
                }
            }
            "fail" => Ended::badly("fail", text("error_message").unwrap_or("Test failure").to_owned()),
            unknown => Ended::badly(unknown, format!("Unknown work type: {unknown}")),
        }
    };
    Ended { duration: began.elapsed(), ..ended }
}

/// Spends the time of a `slow_echo`, telling each step as it begins and the last one as done.
async fn toil(desk: &Desk, request: &Request, job: &Job, outlet: &Outlet) {
    let habits = &desk.settings.habits;
    let steps = habits.progress_steps;
    let pace = habits.slow_echo / steps.max(1);
    for step in 1..=steps.max(1) {
        if steps > 0 {
            tell(desk, request, progress(job, "running", step, step - 1, steps), outlet).await;
        }
        tokio::time::sleep(pace).await;
        if steps > 0 {
            tell(desk, request, progress(job, "step_completed", step, step, steps), outlet).await;
        }
    }
}

fn progress(job: &Job, status: &str, step: u32, done: u32, steps: u32) -> Value {
    json!({
        "task_id": job.task_id,
        "status": status,
        "progress_percent": done * 100 / steps,
        "step": { "number": step, "name": format!("echo part {step} of {steps}"), "output": "" },
    })
}

async fn tell(desk: &Desk, request: &Request, payload: Value, outlet: &Outlet) {
    let message = desk.sender().answer("work_status", request, &payload);
    if let Err(ConnectionLost) = outlet.publish_as(message, desk.settings.habits.persistent_replies).await {
        tracing::warn!("progress was lost with the connection");
    }
}

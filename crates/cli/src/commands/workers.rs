//! `dats workers`: who takes tasks from the tiers' queues.

use super::Session;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// Lists workers.
pub(super) async fn run(session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get("/workers", &[]).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["worker", "status", "tier", "completed", "last heard", "current task"]);
        table.may_leave_out(["tier"]);
        for worker in answer.list("workers") {
            table.row([
                Cell::painted(worker.text("worker_id"), Paint::Strong),
                Cell::status(worker.text("status")),
                worker.text("tier").into(),
                worker.count("tasks_completed").to_string().into(),
                time::ago(worker.text("last_seen_at"), session.now).into(),
                worker.text("current_task").into(),
            ]);
        }
        if table.is_empty() {
            let hint =
                "A worker is known once it has begun a task; dats queues shows who listens to task.ready.*.";
            return session.output.nothing("no workers", hint);
        }
        session.output.table(&table)
    })
}

//! `dats failures`

use clap::Args;

use super::Session;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// `dats failures`
#[derive(Debug, Args)]
pub(crate) struct FailuresArguments {
    /// How many, 1 to 100
    #[arg(long, default_value_t = 20)]
    last: u32,
}

/// Lists the latest failures.
pub(super) async fn run(arguments: &FailuresArguments, session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get("/failures", &[("last", arguments.last.to_string())]).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["task", "tier", "failed", "error"]);
        table.may_leave_out(["tier"]);
        for failure in answer.list("failures") {
            table.row([
                Cell::painted(failure.text("task_id"), Paint::Faint),
                failure.text("tier").into(),
                time::ago(failure.text("failed_at"), session.now).into(),
                Cell::painted(failure.shown("error"), Paint::Bad),
            ]);
        }
        if table.is_empty() {
            return session.output.nothing("no failures", "No task has failed for good.");
        }
        session.output.table(&table)
            + &session.output.paint("dats why TASK tells what went wrong in each attempt.", Paint::Faint)
    })
}

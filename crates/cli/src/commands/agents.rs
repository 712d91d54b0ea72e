//! `dats agents`

use clap::Args;

use super::Session;
use crate::failure::Failure;
use crate::json::Look;
use crate::output::{Cell, Paint, Table, time};

/// `dats agents`
#[derive(Debug, Args)]
pub(crate) struct AgentsArguments {
    /// Only of this type: infra, desktop, code, research, orchestrator
    #[arg(long = "type", value_name = "TYPE")]
    agent_type: Option<String>,
    /// Only with this status: online, offline, busy
    #[arg(short, long)]
    status: Option<String>,
}

/// Lists agents.
pub(super) async fn run(arguments: &AgentsArguments, session: &Session<'_>) -> Result<(), Failure> {
    let filters = [("agent_type", &arguments.agent_type), ("status", &arguments.status)];
    let query: Vec<_> =
        filters.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let answer = session.client.get("/agents", &query).await?;
    session.output.answer(&answer, || {
        let mut table = Table::new(["agent", "type", "status", "last heard", "current task"]);
        for agent in answer.as_array().into_iter().flatten() {
            table.row([
                Cell::painted(agent.text("agent_id"), Paint::Faint),
                agent.text("agent_type").into(),
                Cell::status(agent.text("status")),
                time::ago(agent.text("last_heartbeat_at"), session.now).into(),
                agent.text("current_task_id").into(),
            ]);
        }
        if table.is_empty() {
            return session.output.nothing("no agents", "An agent is known from its first heartbeat on.");
        }
        session.output.table(&table)
    })
}

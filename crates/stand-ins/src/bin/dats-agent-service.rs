//! `dats-agent-service`: the stand-in Agent Service as a program. Ends on Ctrl-C or SIGTERM.

use std::time::Duration;

use clap::Parser;
use stand_ins::agent_service::{AgentService, Fault, Faults};
use stand_ins::{logging, process};

/// Analyses, estimates and decomposes tasks by keyword.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, env = "SERVICE_PORT", default_value_t = 8010)]
    port: u16,
    /// What goes wrong
    #[arg(long, value_enum, default_value_t)]
    fault: Fault,
    /// Milliseconds before every answer
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    logging::to_stderr();
    let faults = Faults::new(arguments.fault, Duration::from_millis(arguments.latency_ms));
    let service = AgentService::start(arguments.port, faults)?;
    tracing::info!(url = service.url(), "Agent Service listens");
    process::until_told_to_stop().await?;
    service.stop().await;
    Ok(())
}

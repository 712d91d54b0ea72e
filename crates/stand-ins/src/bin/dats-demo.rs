//! `dats-demo`: watch real tasks go from submission to completed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use stand_ins::demo::{self, DemoSettings};

/// Starts the services and the stand-ins, submits a handful of tasks and shows what becomes of them.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// End after the table; the default when the output is not a terminal
    #[arg(long, env = "DATS_DEMO_ONCE", value_parser = clap::builder::BoolishValueParser::new(), default_value = "false", num_args = 0..=1, default_missing_value = "true")]
    once: bool,
    /// Folder for logs and artifacts
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    demo::run(DemoSettings { once: arguments.once, folder: arguments.folder }).await
}

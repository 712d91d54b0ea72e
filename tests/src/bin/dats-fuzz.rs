//! `dats-fuzz`: starts the services on a database and a virtual host of their own and sends them requests made from the
//! document that the gateway serves. Fails for an answer that is a 5xx or that the document does not tell of. The
//! services' programs are taken from the folder of this one; PostgreSQL and RabbitMQ from the environment.
#![allow(clippy::print_stdout, reason = "a tool that prints its result")]

use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Parser;
use end_to_end::Plan;

/// Sends the gateway requests made from its own document, good and bad ones.
#[derive(Debug, Parser)]
struct Arguments {
    /// Decides which requests are made; the same every time when absent.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Random requests for each operation, beside those that try each rule of the document once.
    #[arg(long, default_value_t = 2)]
    examples: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stack = Plan::new().start().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/local/fuzz-api.sh");
    let outcome = Command::new(script)
        .arg(stack.client().url())
        .env("SEED", arguments.seed.to_string())
        .env("EXAMPLES", arguments.examples.to_string())
        .status();
    match outcome {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => {
            println!(
                "again with: make fuzz ARGS=\"--seed {} --examples {}\"",
                arguments.seed, arguments.examples
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("fuzz-api.sh cannot be run: {error}");
            ExitCode::FAILURE
        }
    }
}

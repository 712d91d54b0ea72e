//! The `dats` command.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    dats_cli::run(std::env::args_os()).await
}

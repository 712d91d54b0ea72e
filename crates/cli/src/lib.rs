//! The `dats` command: what people do with tasks and provenance from a terminal, over REST alone. One file per
//! command under `commands`; they ask through `client` and speak through `output`, and know no other way.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod arguments;
mod client;
mod commands;
mod config;
mod failure;
mod json;
mod output;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use self::arguments::Arguments;
use self::failure::Exit;
use self::output::Output;

/// Runs the command with these arguments, the program's name first.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are errors to the parser, and none to anybody else.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            let _ = error.print();
            return exit.into();
        }
    };
    let output = Output::of(&arguments.global);
    match commands::run(arguments, &output).await {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            output.tell_failure(&failure);
            failure.exit.into()
        }
    }
}

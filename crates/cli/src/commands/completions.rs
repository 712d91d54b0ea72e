//! `dats completions SHELL`: a script that completes commands and options.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;

/// `dats completions`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// For which shell
    shell: Shell,
}

/// Writes the script.
pub(super) fn run(arguments: &CompletionsArguments, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "dats", &mut script);
    output.raw(&String::from_utf8_lossy(&script))
}

//! `dats provenance`: where artifacts came from, what was built on them, and records in and out.

pub(crate) mod export;
mod files;
pub(crate) mod graph;
pub(crate) mod import;
pub(crate) mod list;
mod record;
pub(crate) mod verify;

use clap::Subcommand;

use super::Session;
use crate::failure::Failure;

/// `dats provenance`
#[derive(Debug, Subcommand)]
pub(crate) enum ProvenanceCommand {
    /// Show a record: who made it, with what, from what, and whether it can be trusted
    Show {
        /// Record, artifact or task
        id: String,
    },
    /// List records by filter, newest first
    List(list::ListArguments),
    /// Sum up a project's records: whether they can be trusted, and what they cost by tier
    Summary(list::SummaryArguments),
    /// Show everything that it was built on, and that was built on it
    Lineage {
        /// Record, artifact or task
        id: String,
    },
    /// Show what was built on it
    Impact {
        /// Record, artifact or task
        id: String,
    },
    /// Find where a fault came from
    RootCause {
        /// Record, artifact or task
        id: String,
    },
    /// Write records to files, or one artifact's provenance to standard output
    Export(export::ExportArguments),
    /// Read a folder of record files
    Import(import::ImportArguments),
    /// Check that no record of a project was altered, removed, added or reordered
    Verify(verify::VerifyArguments),
}

/// Runs `dats provenance`.
pub(super) async fn run(command: ProvenanceCommand, session: &Session<'_>) -> Result<(), Failure> {
    match command {
        ProvenanceCommand::Show { id } => record::show(&id, session).await,
        ProvenanceCommand::List(arguments) => list::list(&arguments, session).await,
        ProvenanceCommand::Summary(arguments) => list::summary(&arguments, session).await,
        ProvenanceCommand::Lineage { id } => graph::lineage(&id, session).await,
        ProvenanceCommand::Impact { id } => graph::impact(&id, session).await,
        ProvenanceCommand::RootCause { id } => graph::root_cause(&id, session).await,
        ProvenanceCommand::Export(arguments) => export::run(&arguments, session).await,
        ProvenanceCommand::Import(arguments) => import::run(&arguments, session).await,
        ProvenanceCommand::Verify(arguments) => verify::run(&arguments, session).await,
    }
}

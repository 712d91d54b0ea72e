//! The demo: the real services and the stand-ins, some stories about tasks, and what becomes of them.

mod gateway;
mod local_environment;
mod records;
mod screen;
mod stage;
mod stories;
mod summary;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::process::until_told_to_stop;
use screen::Screen;
use stage::Stage;

/// What the demo is asked to do.
#[derive(Debug, Clone)]
pub struct DemoSettings {
    /// End after the table instead of leaving the services running.
    pub once: bool,
    /// Folder for logs and artifacts; chosen beside the local servers' data when absent.
    pub folder: Option<PathBuf>,
}

/// Runs the demo. Success means that every task ended as it should.
///
/// # Errors
/// When the stage cannot be set, or the services cannot be asked.
pub async fn run(settings: DemoSettings) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::stdout();
    let once = settings.once || !std::io::stdout().is_terminal();
    let local = local_environment::find()?;
    let folder = settings.folder.unwrap_or_else(|| local.demo_folder());
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    crate::logging::to_file(&folder.join("stand-ins.log"))?;

    let mut stage = Stage::new(folder);
    let outcome = tokio::select! {
        // A Ctrl-C that the play itself waits for is its regular end.
        biased;
        outcome = play(&mut stage, &local, &mut screen, once) => outcome,
        told = until_told_to_stop() => told.map(|()| ExitCode::from(130)).map_err(Into::into),
    };
    if outcome.is_err() {
        screen.line(&format!("Logs are in {}", stage.folder().display()))?;
    }
    screen.line("Stopping what the demo started ...")?;
    let stopped = stage.clear().await;
    let code = outcome?;
    stopped?;
    Ok(code)
}

async fn play(
    stage: &mut Stage,
    local: &local_environment::LocalEnvironment,
    screen: &mut Screen,
    once: bool,
) -> anyhow::Result<ExitCode> {
    let gateway = stage.set(local, screen).await?;
    let project = format!("demo-{}", chrono::Utc::now().format("%Y%m%d-%H%M%S"));
    let tasks = stories::play(&gateway, &project, screen).await?;
    let as_expected = summary::show(&gateway, &project, &tasks, screen).await?;
    if !as_expected {
        screen.line(&format!("Logs are in {}", stage.folder().display()))?;
        return Ok(ExitCode::FAILURE);
    }
    if !once {
        screen.line("\nThe services go on running. Ctrl-C ends them.")?;
        until_told_to_stop().await?;
    }
    Ok(ExitCode::SUCCESS)
}

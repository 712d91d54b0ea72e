//! One service process: its log goes to a file, its readiness is asked for over HTTP.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// How much of a log is shown when something goes wrong.
const SHOWN_LOG_LINES: usize = 40;
const POLL: Duration = Duration::from_millis(25);

/// Everything needed to start a service, and to start it again.
#[derive(Debug, Clone)]
pub struct Launch {
    /// What it is called in messages.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// The port it listens on, on 127.0.0.1.
    pub port: u16,
    /// Its settings. It inherits nothing but `PATH`, so that the caller's environment cannot change the outcome.
    pub environment: Vec<(String, String)>,
    /// Where its log goes; a second start appends.
    pub log: PathBuf,
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    launch: Launch,
    child: Child,
}

impl Service {
    /// Starts it without waiting for anything.
    ///
    /// # Errors
    /// When the program or the log file cannot be opened.
    pub fn start(launch: Launch) -> anyhow::Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&launch.log)
            .with_context(|| format!("cannot write the log {}", launch.log.display()))?;
        let mut command = Command::new(&launch.program);
        command.env_clear().env("SERVICE_PORT", launch.port.to_string()).env("RUST_BACKTRACE", "1");
        for inherited in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(inherited) {
                command.env(inherited, value);
            }
        }
        let child = command
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A Ctrl-C in the terminal reaches whoever started it, who then decides.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", launch.program.display()))?;
        Ok(Self { launch, child })
    }

    /// How it was started.
    #[must_use]
    pub const fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.launch.port)
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until `/readyz` says yes.
    ///
    /// # Errors
    /// When it ends or `within` passes before that; the message holds the end of its log.
    pub async fn ready(&mut self, within: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        let url = format!("{}/readyz", self.url());
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build()?;
        let mut last = String::from("nothing listens");
        while started.elapsed() < within {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before it was ready\n{}", self.launch.name, self.log_tail());
            }
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => last = answer.text().await.unwrap_or_default(),
                Err(_) => {}
            }
            tokio::time::sleep(POLL).await;
        }
        Err(anyhow!("{} is not ready after {within:?}: {last}\n{}", self.launch.name, self.log_tail()))
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the operating system will not say.
    pub fn is_running(&mut self) -> std::io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Asks it to end (SIGTERM) and kills it if it has not after `grace`.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(mut self, grace: Duration) -> anyhow::Result<ExitStatus> {
        if let Some(pid) = self.raw_pid() {
            // It may end by itself in between; waiting tells.
            let _ = kill_process(pid, Signal::TERM);
        }
        match tokio::time::timeout(grace, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => {
                self.child.kill().await?;
                bail!("{} did not end within {grace:?} of SIGTERM\n{}", self.launch.name, self.log_tail())
            }
        }
    }

    /// Kills it on the spot (SIGKILL) and gives back how to start it again.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(mut self) -> std::io::Result<Launch> {
        self.child.kill().await?;
        Ok(self.launch)
    }

    /// The last lines of its log, with the file's name.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.launch.log)
    }

    fn raw_pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.get(lines.len().saturating_sub(SHOWN_LOG_LINES)..).unwrap_or_default().join("\n");
    format!("--- {}\n{end}", log.display())
}

//! A PostgreSQL and a RabbitMQ of one test's own, as processes that it may stop, kill and start again.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use uuid::Uuid;

use crate::Servers;
use crate::servers::parse;

/// Ports to choose from: below those that this checkout's servers and services choose from.
const PORTS: std::ops::Range<u16> = 12_000..19_900;
/// How many ports the servers need, in a row.
const BLOCK: u16 = 6;
/// The script that runs them, below the folder of the checkout.
const SCRIPT: &str = "deploy/local/services";
/// How often other ports are tried.
const TRIES: u32 = 3;

/// Running servers; they end, with their data, when this value does or when the test's process is gone.
#[derive(Debug)]
pub struct OwnServers {
    folder: PathBuf,
    servers: Servers,
    undertaker: Child,
}

impl OwnServers {
    /// Sets them up and waits until they are ready, which takes some seconds.
    ///
    /// # Panics
    /// When they cannot be started; the message holds what the script said.
    pub async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("dats-own-{}", Uuid::new_v4().simple()));
        let undertaker = undertaker(&folder);
        let mut said = String::new();
        for _ in 0..TRIES {
            match run(&folder, &["up"], Some(free_block())).await {
                Ok(_) => {
                    let settings = run(&folder, &["env"], None).await.expect("the settings of own servers");
                    let servers = Servers::of_settings(&parse(&settings)).expect("complete settings");
                    return Self { folder, servers, undertaker };
                }
                Err(error) => said.push_str(&error),
            }
        }
        panic!("no servers of the test's own: {said}");
    }

    /// Where they are.
    #[must_use]
    pub const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Does something to one of them and returns when it is done: `stop`, `kill` (SIGKILL), `start` or `restart`, then
    /// `-broker` or `-database`.
    ///
    /// # Panics
    /// When that fails.
    pub async fn order(&self, command: &str) {
        if let Err(said) = run(&self.folder, &[command], None).await {
            panic!("{command}: {said}");
        }
    }

    /// Runs rabbitmqctl against the broker.
    ///
    /// # Panics
    /// When that fails.
    pub async fn ctl(&self, arguments: &[&str]) {
        let command: Vec<&str> = ["ctl"].iter().chain(arguments).copied().collect();
        if let Err(said) = run(&self.folder, &command, None).await {
            panic!("{}: {said}", command.join(" "));
        }
    }
}

impl Drop for OwnServers {
    fn drop(&mut self) {
        drop(self.undertaker.stdin.take());
        let ended = self.undertaker.wait().expect("the process that wipes the servers");
        if !ended.success() {
            eprintln!("the test's own servers in {} may still run: {ended}", self.folder.display());
        }
    }
}

/// A process that waits for the end of ours, however we end, and wipes the servers then.
fn undertaker(folder: &Path) -> Child {
    let burial = "cat; \"$0\" wipe; rm -rf -- \"$DATS_LOCAL_DIR\"";
    let mut command = Command::new("bash");
    command.arg("-c").arg(burial).arg(script()).stdin(Stdio::piped());
    settings_of(&mut command, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().expect("bash")
}

/// The script with a command: what it printed, or what it said when it failed.
async fn run(folder: &Path, arguments: &[&str], port: Option<u16>) -> Result<String, String> {
    let mut command = Command::new(script());
    command.args(arguments).stdin(Stdio::null());
    settings_of(&mut command, folder);
    if let Some(port) = port {
        command.env("DATS_LOCAL_PORT", port.to_string());
    }
    // To files: the servers inherit what the script writes to, and a pipe would stay open with them.
    let output = folder.with_extension("out");
    let file = std::fs::File::create(&output).map_err(|error| error.to_string())?;
    let copy = file.try_clone().map_err(|error| error.to_string())?;
    command.stdout(file).stderr(copy);
    let done =
        tokio::task::spawn_blocking(move || command.status()).await.map_err(|error| error.to_string())?;
    let mut said = String::new();
    std::fs::File::open(&output)
        .and_then(|mut file| file.read_to_string(&mut said))
        .map_err(|error| error.to_string())?;
    let _ = std::fs::remove_file(&output);
    match done {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => Err(format!("{status}: {said}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Nothing of what the tests' usual servers were started with applies to these.
fn settings_of(command: &mut Command, folder: &Path) {
    command.env_remove("DATS_LOCAL_PORT").env("DATS_LOCAL_DIR", folder);
    if std::env::var_os("DATS_LOCAL").is_some_and(|way| way == "external") {
        command.env_remove("DATS_LOCAL");
    }
}

fn script() -> PathBuf {
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut scripts = ancestors.map(|folder| folder.join(SCRIPT));
    scripts.find(|script| script.is_file()).unwrap_or_else(|| panic!("there is no {SCRIPT}"))
}

fn free_block() -> u16 {
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let blocks = u128::from((PORTS.end - PORTS.start) / BLOCK);
    (0..100)
        .map(|_| u16::try_from(Uuid::new_v4().as_u128() % blocks).unwrap_or_default() * BLOCK + PORTS.start)
        .find(|&first| (first..first + BLOCK).all(is_free))
        .expect("free ports in a row")
}

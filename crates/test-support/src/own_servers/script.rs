//! A script of the checkout that runs servers in a folder of its own, and the process that clears up after it.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use uuid::Uuid;

/// Ports to choose from: below those that this checkout's servers and services choose from.
const PORTS: std::ops::Range<u16> = 12_000..19_900;
/// How often other ports are tried.
const TRIES: u32 = 3;

/// A script with its folder; `wipe` is run when this value or the test's process ends.
#[derive(Debug)]
pub(crate) struct Script {
    path: PathBuf,
    folder: PathBuf,
    undertaker: Child,
}

impl Script {
    /// The script at `path` below the folder of the checkout, with a new data folder.
    pub(crate) fn new(path: &str) -> Self {
        let path = find(path);
        let folder = std::env::temp_dir().join(format!("dats-own-{}", Uuid::new_v4().simple()));
        let undertaker = undertaker(&path, &folder);
        Self { path, folder, undertaker }
    }

    /// Starts the servers on so many free ports in a row; others are tried when somebody
    /// else takes one of them first.
    pub(crate) async fn up(&self, ports: u16, arguments: &[&str]) {
        let mut said = String::new();
        for _ in 0..TRIES {
            match self.call(arguments, Some(free_block(ports))).await {
                Ok(_) => return,
                Err(error) => said.push_str(&error),
            }
        }
        panic!("no servers of the test's own: {said}");
    }

    /// Runs a command; what it printed.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        match self.call(arguments, None).await {
            Ok(said) => said,
            Err(said) => panic!("{} {}: {said}", self.path.display(), arguments.join(" ")),
        }
    }

    async fn call(&self, arguments: &[&str], port: Option<u16>) -> Result<String, String> {
        let mut command = Command::new(&self.path);
        command.args(arguments).stdin(Stdio::null());
        settings_of(&mut command, &self.folder);
        if let Some(port) = port {
            command.env("DATS_LOCAL_PORT", port.to_string());
        }
        // To files: the servers inherit what the script writes to, and a pipe would stay open with them.
        let output = self.folder.with_extension(format!("{}.out", Uuid::new_v4().simple()));
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
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.undertaker.stdin.take());
        let ended = self.undertaker.wait().expect("the process that wipes the servers");
        if !ended.success() {
            eprintln!("the test's own servers in {} may still run: {ended}", self.folder.display());
        }
    }
}

/// A process that waits for the end of ours, however we end, and wipes the servers then.
fn undertaker(script: &Path, folder: &Path) -> Child {
    let burial = "cat; \"$0\" wipe; rm -rf -- \"$DATS_LOCAL_DIR\"";
    let mut command = Command::new("bash");
    command.arg("-c").arg(burial).arg(script).stdin(Stdio::piped());
    settings_of(&mut command, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().expect("bash")
}

/// Nothing of what the tests' usual servers were started with applies to these.
fn settings_of(command: &mut Command, folder: &Path) {
    command.env_remove("DATS_LOCAL_PORT").env("DATS_LOCAL_DIR", folder);
    if std::env::var_os("DATS_LOCAL").is_some_and(|way| way == "external") {
        command.env_remove("DATS_LOCAL");
    }
}

fn find(script: &str) -> PathBuf {
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut scripts = ancestors.map(|folder| folder.join(script));
    scripts.find(|script| script.is_file()).unwrap_or_else(|| panic!("there is no {script}"))
}

fn free_block(size: u16) -> u16 {
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let blocks = u128::from((PORTS.end - PORTS.start) / size);
    (0..100)
        .map(|_| u16::try_from(Uuid::new_v4().as_u128() % blocks).unwrap_or_default() * size + PORTS.start)
        .find(|&first| (first..first + size).all(is_free))
        .expect("free ports in a row")
}

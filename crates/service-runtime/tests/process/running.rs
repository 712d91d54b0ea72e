//! Starts the example as a process of its own and looks at it from outside.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use test_support::{PATIENCE, wait_for, wait_until};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

/// Runs the example until it ends by itself.
pub(crate) fn run_to_end(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let output = command(environment).args(arguments).output().unwrap();
    Ended { code: output.status.code(), stderr: String::from_utf8(output.stderr).unwrap() }
}

fn command(environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(example());
    command.env_clear().envs(environment.iter().copied());
    command
}

/// Cargo builds examples along with the tests, next to their folder.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().with_file_name("examples").join("minimal_service");
    assert!(example.exists(), "build it first: cargo build -p service-runtime --example minimal_service");
    example
}

/// A process that is (or was) at work.
pub(crate) struct Running {
    child: Child,
    port: u16,
    stderr: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Running {
    /// Starts the example on a free port and waits until its endpoints are up.
    pub(crate) async fn start(environment: &[(&str, &str)]) -> Self {
        let mut command = tokio::process::Command::from(command(environment));
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let written = Arc::clone(&stderr);
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                written.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut running = Self { child, port: 0, stderr, reader };
        running.port = wait_for("the port in the log", PATIENCE, || async { running.logged_port() }).await;
        running
    }

    fn logged_port(&self) -> Option<u16> {
        let log = self.stderr.lock().unwrap();
        let (_, after) = log.split_once("127.0.0.1:")?;
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }

    /// The port of the operations endpoints.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Sends a signal by its name without SIG.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Status and body of a GET; status 0 when nobody answers.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "").await.unwrap_or_default()
    }

    /// Status and answer of a PUT of text; status 0 when nobody answers.
    pub(crate) async fn put(&self, path: &str, body: &str) -> (u16, String) {
        self.ask("PUT", path, body).await.unwrap_or_default()
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        Ok((status, answer))
    }

    /// Waits until `/readyz` says yes.
    pub(crate) async fn wait_until_ready(&self) {
        wait_until("readiness", PATIENCE, || async { self.get("/readyz").await.0 == 200 }).await;
    }

    /// Waits for a text on stderr.
    pub(crate) async fn wait_for_log(&self, text: &str) {
        wait_until(text, PATIENCE, || async { self.stderr.lock().unwrap().contains(text) }).await;
    }

    /// Waits for the process to end.
    pub(crate) async fn wait(mut self) -> Ended {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the end of the process").unwrap();
        timeout(PATIENCE, self.reader).await.expect("the end of its log").unwrap();
        let stderr = self.stderr.lock().unwrap().clone();
        Ended { code: status.code(), stderr }
    }
}

//! Where the figures were measured.

use std::fs;
use std::process::Command;

use serde_json::Value;
use test_support::{TestBroker, TestDatabase};

/// The machine and the versions of everything.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// Its cores.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The kernel's release.
    pub kernel: String,
    /// The services: version, build and commit.
    pub services: String,
    /// PostgreSQL's version.
    pub postgresql: String,
    /// RabbitMQ's version.
    pub rabbitmq: String,
}

impl Machine {
    /// Looks around.
    pub async fn look() -> Self {
        let processor =
            line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
        let memory = line_of("/proc/meminfo", "MemTotal");
        let kib: f64 =
            memory.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib / 1024.0 / 1024.0,
            kernel,
            services: services(),
            postgresql: postgresql().await,
            rabbitmq: rabbitmq().await,
        }
    }
}

fn services() -> String {
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    let commit = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok();
    let commit = commit.filter(|output| output.status.success());
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let commit = commit.map_or_else(String::new, |commit| format!(", commit {commit}"));
    format!("services {} ({build}{commit})", env!("CARGO_PKG_VERSION"))
}

async fn postgresql() -> String {
    let database = TestDatabase::create("version").await;
    let row = database.client().await.query_one("SHOW server_version", &[]).await;
    row.map_or_else(|_| "unknown".to_owned(), |row| row.get(0))
}

async fn rabbitmq() -> String {
    let overview = TestBroker::create("version").await.management("overview").await;
    match &overview["rabbitmq_version"] {
        Value::String(version) => version.clone(),
        _ => "unknown".to_owned(),
    }
}

fn line_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

//! The `dats` command as a process.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use end_to_end::Stack;
use serde_json::Value;
use stand_ins::process;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The command with a home of its own.
pub(crate) struct Dats {
    program: PathBuf,
    home: PathBuf,
    api_url: Option<String>,
    api_key: Option<String>,
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Dats {
    /// The command that asks this stack's gateway.
    pub(crate) fn of(stack: &Stack) -> Self {
        let mut dats = Self::without_environment(stack);
        dats.api_url = Some(stack.client().url().to_owned());
        dats
    }

    /// The command that is told of no gateway.
    pub(crate) fn without_environment(_: &Stack) -> Self {
        let home = std::env::temp_dir().join(format!("dats-home-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&home).unwrap();
        Self {
            program: process::program("dats").expect("the command is built"),
            home,
            api_url: None,
            api_key: None,
        }
    }

    /// The same command with an API key.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.api_key = Some(key.to_owned());
        self
    }

    /// A folder that is deleted in the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.home
    }

    /// Its program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Its whole environment.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let home = ("HOME".to_owned(), self.home.display().to_string());
        let url = self.api_url.clone().map(|url| ("DATS_API_URL".to_owned(), url));
        let key = self.api_key.clone().map(|key| ("DATS_API_KEY".to_owned(), key));
        url.into_iter().chain(key).chain([home]).collect()
    }

    /// Runs it to its end, which must be a good one; what it said on its standard output.
    pub(crate) async fn tells(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments).await;
        assert_eq!(said.exit, 0, "dats {arguments:?}: {said:?}");
        said.out
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        self.run_with_input(arguments, "").await
    }

    /// Runs it to its end with something on its standard input.
    pub(crate) async fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().envs(self.environment()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("dats starts");
        let mut stdin = child.stdin.take().expect("a standard input");
        // It may end without reading.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let ended = tokio::time::timeout(test_support::PATIENCE * 3, child.wait_with_output());
        let output = ended.await.expect("dats ends").expect("its output");
        Said {
            exit: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Drop for Dats {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

//! The images' file trees run the services as the manifests would: as another user, on a read-only root, migrated by
//! the same binary, healthy by its own word, and ending with 0 when asked to.

use std::path::PathBuf;
use std::time::Duration;

use end_to_end::Client;
use stand_ins::process;
use test_support::{TestBroker, TestDatabase, wait_for};
use tokio::process::Child;

use crate::SERVICES;
use crate::image_tree::{Image, Tree, USER};
use crate::manifests::Manifests;
use crate::settings::environment_of;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn images_hold_the_binary_and_run_it_as_nobody_in_particular() {
    for service in SERVICES {
        let image = Image::of(service);
        let program = format!("/usr/local/bin/{service}");
        assert_eq!(image.copies, [(format!("/out/{service}"), program.clone())]);
        assert_eq!(image.user, format!("{USER}:{USER}"));
        assert_eq!(image.entrypoint, std::slice::from_ref(&program));
        assert_eq!(image.healthcheck, [program, "healthcheck".to_owned()]);
    }
}

#[test]
fn images_build_from_what_is_sent_to_the_engine() {
    let ignored = std::fs::read_to_string(crate::checkout(".dockerignore")).unwrap();
    let sent: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for service in SERVICES {
        let path = crate::checkout(&format!("deploy/docker/{service}.Dockerfile"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let Some(copied) = line.strip_prefix("COPY ").filter(|rest| !rest.starts_with("--")) else {
                continue;
            };
            let mut paths: Vec<&str> = copied.split_whitespace().collect();
            paths.pop();
            for path in paths {
                assert!(crate::checkout(path).exists(), "{service}: {path} is not there");
                assert!(sent.contains(&path), "{service}: {path} is not sent");
            }
        }
    }
}

/// One service in its image, with servers of its own.
struct Container {
    tree: Tree,
    program: Vec<String>,
    environment: Vec<(String, String)>,
    port: u16,
}

impl Container {
    fn of(service: &str, database: &TestDatabase, broker: &TestBroker) -> Self {
        let image = Image::of(service);
        let binary: PathBuf = process::program(service).expect("the services are built");
        let port = process::free_port().expect("a free port");
        let manifests = Manifests::all().swap_remove(0);
        let mut environment = environment_of(&manifests, service);
        let ops_port = if service == "api-gateway" { process::free_port().unwrap() } else { port };
        let own = [
            ("DATS_HTTP__HOST", "127.0.0.1".to_owned()),
            ("DATS_HTTP__PORT", port.to_string()),
            ("DATABASE_URL", database.url().to_owned()),
            ("RABBITMQ_URL", broker.url().to_owned()),
            ("DATS_RUNTIME__DRAIN_DELAY_SECONDS", "0".to_owned()),
        ];
        let ops = (service == "api-gateway").then(|| ("DATS_HTTP__OPS_PORT", ops_port.to_string()));
        for (name, value) in own.into_iter().chain(ops) {
            environment.retain(|(other, _)| other != name);
            environment.push((name.to_owned(), value));
        }
        environment.extend(
            image.environment.iter().filter(|(name, _)| name != "DATS_TELEMETRY__LOG_FORMAT").cloned(),
        );
        Self { tree: image.assemble(&binary), program: image.entrypoint, environment, port: ops_port }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let program: Vec<String> = self.program.iter().cloned().chain(arguments).collect();
        self.tree.run(&program, &self.environment)
    }

    /// The exit code of a run to its end, and what it said.
    async fn end_of(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.start(arguments).wait_with_output().await.expect("an end");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn owner_of(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find(|line| line.starts_with("Uid:")).expect("Uid");
    line.split_whitespace().nth(1).expect("a user").to_owned()
}

async fn live_in_a_container(service: &str) {
    let (database, broker) = (TestDatabase::create("image").await, TestBroker::create("image").await);
    let mut container = Container::of(service, &database, &broker);
    if let Some(obstacle) = container.tree.obstacle(&container.program).await {
        eprintln!("skipped: this kernel or user does not allow what a container engine does: {obstacle}");
        return;
    }
    let (code, said) = container.end_of(&["healthcheck"]).await;
    assert_eq!(code, Some(70), "nobody is healthy yet: {said}");
    let (code, said) = container.end_of(&["migrate"]).await;
    assert_eq!(code, Some(0), "{said}");

    let child = container.start(&[]);
    let pid = child.id().expect("a process");
    let client = Client::new(format!("http://127.0.0.1:{}", container.port));
    wait_for("the service is ready", PATIENCE, || async {
        let answer = client.try_send(client.request(reqwest::Method::GET, "/readyz")).await?;
        (answer.status == 200).then_some(())
    })
    .await;
    assert_eq!(owner_of(pid), USER.to_string());
    let (code, said) = container.end_of(&["healthcheck"]).await;
    assert_eq!(code, Some(0), "{said}");

    let killed = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().expect("kill");
    assert!(killed.success());
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.lines().all(|line| line.starts_with('{')), "logs are JSON: {said}");

    if service == "api-gateway" {
        container.environment.push(("DATS_API__PORT_FILE".to_owned(), "/port".to_owned()));
        let (code, said) = container.end_of(&[]).await;
        assert_eq!(code, Some(70), "the root can be written to");
        assert!(said.contains("Read-only file system"), "{said}");
    }
}

#[tokio::test]
async fn the_gateway_lives_in_its_image() {
    live_in_a_container("api-gateway").await;
}

#[tokio::test]
async fn the_routing_engine_lives_in_its_image() {
    live_in_a_container("routing-engine").await;
}

#[tokio::test]
async fn the_provenance_store_lives_in_its_image() {
    live_in_a_container("provenance-store").await;
}

//! The file tree of an image, put together from its Dockerfile's last stage, and programs run in it as in a container:
//! another user, nothing but the tree, and the tree read-only.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::checkout;

/// The user of the distroless images and of the manifests.
pub(crate) const USER: u32 = 65532;
/// What the wrapper ends with when it cannot do what a container engine would.
const CANNOT: i32 = 99;

/// What matters of a Dockerfile's last stage.
#[derive(Debug)]
pub(crate) struct Image {
    /// `COPY --from=build`: from, to.
    pub(crate) copies: Vec<(String, String)>,
    /// `USER`.
    pub(crate) user: String,
    /// `ENTRYPOINT`.
    pub(crate) entrypoint: Vec<String>,
    /// `HEALTHCHECK ... CMD`.
    pub(crate) healthcheck: Vec<String>,
    /// `ENV NAME=value`.
    pub(crate) environment: Vec<(String, String)>,
}

impl Image {
    /// Reads the Dockerfile of a service.
    pub(crate) fn of(service: &str) -> Self {
        let text = fs::read_to_string(checkout(&format!("deploy/docker/{service}.Dockerfile"))).expect("it");
        let text = text.replace("\\\n", " ");
        let last = text.rsplit_once("\nFROM ").expect("stages").1;
        let lines: Vec<&str> = last.lines().map(str::trim).collect();
        let after = |word: &str| lines.iter().find_map(|line| line.strip_prefix(word)).unwrap_or_default();
        let array = |text: &str| -> Vec<String> { serde_json::from_str(text.trim()).expect("the exec form") };
        let copy = |line: &&str| {
            let (from, to) = line.strip_prefix("COPY --from=build ")?.split_once(' ')?;
            Some((from.to_owned(), to.to_owned()))
        };
        let env = |line: &&str| {
            let (name, value) = line.strip_prefix("ENV ")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        Self {
            copies: lines.iter().filter_map(copy).collect(),
            user: after("USER ").to_owned(),
            entrypoint: array(after("ENTRYPOINT ")),
            healthcheck: array(after("HEALTHCHECK ").split_once("CMD ").expect("CMD").1),
            environment: lines.iter().filter_map(env).collect(),
        }
    }

    /// Its files in a new folder. `program` stands for what the build stage makes; what the base image brings (the C
    /// library, the authorities of the web) is taken from this machine.
    pub(crate) fn assemble(&self, program: &Path) -> Tree {
        let root = std::env::temp_dir().join(format!("dats-image-{}", uuid::Uuid::new_v4()));
        for (_, to) in &self.copies {
            copy(program, &inside(&root, to));
        }
        for library in libraries(program) {
            copy(&library, &inside(&root, library.to_str().expect("UTF-8")));
        }
        let authorities = Path::new("/etc/ssl/certs/ca-certificates.crt");
        if authorities.exists() {
            copy(authorities, &inside(&root, "/etc/ssl/certs/ca-certificates.crt"));
        }
        fs::create_dir_all(root.join("tmp")).expect("a folder");
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("permissions");
        Tree { root }
    }
}

fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
    // A library's name is often a link to a file that is not in the tree.
    let from = fs::canonicalize(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    // Copying may be much for a debug build on a slow disk; a hard link is the same to whoever runs it.
    if fs::hard_link(&from, to).is_err() {
        fs::copy(&from, to).unwrap_or_else(|error| panic!("{} to {}: {error}", from.display(), to.display()));
    }
}

/// The shared libraries that a program needs, and its loader.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = std::process::Command::new("ldd").arg(program).output().expect("ldd");
    let text = String::from_utf8(listed.stdout).expect("UTF-8");
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    text.lines().filter_map(path).collect()
}

/// The files of an image. Dropping it deletes them.
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// A program in the tree, as a container would run it.
    pub(crate) fn run(&self, program: &[String], environment: &[(String, String)]) -> Child {
        let script = format!(
            "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" || exit {CANNOT}; \
             exec chroot --userspec={USER}:{USER} \"$0\" \"$@\""
        );
        Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--", "sh", "-c", &script])
            .arg(&self.root)
            .args(program)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("unshare starts")
    }

    /// Why programs cannot be run so here; `None` if they can.
    pub(crate) async fn obstacle(&self, program: &[String]) -> Option<String> {
        let version: Vec<String> = program.iter().cloned().chain(["--version".to_owned()]).collect();
        let output = self.run(&version, &[]).wait_with_output().await.expect("an end");
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let refused = output.status.code() == Some(CANNOT) || said.starts_with("unshare:");
        refused.then_some(said)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

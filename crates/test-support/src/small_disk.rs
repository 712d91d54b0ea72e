//! A disk that is small enough to be filled: a file system of its own, in memory. Only root may make one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use uuid::Uuid;

/// Size of the disk, in MiB: more than the tables of a run need.
const SIZE_MIB: u32 = 512;
/// How much is written at a time to fill it.
const BLOCK: usize = 1 << 20;
const BALLAST: &str = "ballast";

/// A mounted disk; it is gone with this value or with the test's process.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
    undertaker: Child,
}

impl SmallDisk {
    /// Mounts one that the account `owner` may write to.
    ///
    /// # Errors
    /// Says why there can be none here: not root, or mounting is not allowed.
    pub fn mount(owner: &str) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("dats-disk-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).map_err(|error| error.to_string())?;
        let size = format!("size={SIZE_MIB}m");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"], &folder);
        if let Err(error) = mounted.and_then(|()| run("chown", &[owner], &folder)) {
            let _ = run("umount", &[], &folder);
            let _ = fs::remove_dir(&folder);
            return Err(error);
        }
        let undertaker = undertaker(&folder);
        Ok(Self { folder, undertaker })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes until nothing more can be written.
    ///
    /// # Panics
    /// When not even a file can be made.
    pub fn fill(&self) {
        let mut ballast = fs::File::create(self.folder.join(BALLAST)).expect("a file on the small disk");
        let block = vec![1_u8; BLOCK];
        // The last block does not fit, and what fits of it may still leave room for a page.
        while ballast.write_all(&block).is_ok() {}
        while ballast.write_all(&[1]).is_ok() {}
    }

    /// Makes room again.
    pub fn free(&self) {
        // Nobody may have filled it.
        let _ = fs::remove_file(self.folder.join(BALLAST));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.undertaker.stdin.take());
        let _ = self.undertaker.wait();
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let output = Command::new(program).args(arguments).arg(folder).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{program}: {}", said.trim())) }
}

/// Waits for the end of our process, however it ends; the database on the disk may take a while longer.
fn undertaker(folder: &Path) -> Child {
    let burial =
        "cat; for _ in {1..60}; do umount \"$0\" 2>/dev/null && break; sleep 0.5; done; rmdir \"$0\"";
    let mut command = Command::new("bash");
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.arg("-c").arg(burial).arg(folder).stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("bash")
}

//! What a process costs, as the kernel tells it.

use std::fs;
use std::time::Duration;

/// Clock ticks of `/proc/<pid>/stat`, which Linux fixes at 100 a second for user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory, in MiB.
    pub resident_mib: f64,
}

/// The most memory that a running process ever had, in MiB.
#[must_use]
pub fn peak_mib(pid: u32) -> f64 {
    memory_mib(pid, "VmHWM:")
}

fn memory_mib(pid: u32, line: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let kib: f64 = status
        .lines()
        .find_map(|found| found.strip_prefix(line))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .expect("an amount of memory");
    kib / 1024.0
}

/// Asks for the usage of a running process.
#[must_use]
pub fn usage(pid: u32) -> Usage {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The second field is the program's name in parentheses, which may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number of ticks");
    Usage { cpu_seconds: (ticks(11) + ticks(12)) / TICKS_PER_SECOND, resident_mib: memory_mib(pid, "VmRSS:") }
}

/// The share of one core that a process uses over a while.
pub async fn idle_share(pid: u32, over: Duration) -> f64 {
    let before = usage(pid).cpu_seconds;
    tokio::time::sleep(over).await;
    (usage(pid).cpu_seconds - before) / over.as_secs_f64()
}

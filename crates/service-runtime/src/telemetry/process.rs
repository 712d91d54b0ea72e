//! What the operating system knows about the process, under the names that Prometheus clients share.
//! Read from `/proc`; elsewhere these metrics are simply absent.

use std::fs;

use metrics::{describe_gauge, gauge};

/// Clock ticks per second in `/proc/self/stat`: part of the kernel's interface, the same everywhere.
const TICKS_PER_SECOND: f64 = 100.0;

/// Explains the metrics to whoever reads them.
pub(super) fn describe() {
    describe_gauge!("dats_build_info", "The running service and its version; always 1");
    describe_gauge!("process_resident_memory_bytes", "Resident memory of the process");
    describe_gauge!("process_threads", "Threads of the process");
    describe_gauge!("process_open_fds", "Open file descriptors of the process");
    describe_gauge!("process_cpu_seconds_total", "Processor time used by the process");
}

/// Brings the metrics up to date.
pub(super) fn collect() {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        if let Some(kilobytes) = number_after(&status, "VmRSS:") {
            gauge!("process_resident_memory_bytes").set(kilobytes * 1024.0);
        }
        if let Some(threads) = number_after(&status, "Threads:") {
            gauge!("process_threads").set(threads);
        }
    }
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        // A gauge, since counters here hold whole numbers and a second is too coarse.
        gauge!("process_cpu_seconds_total").set(seconds);
    }
    if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(u32::try_from(descriptors.count()).unwrap_or(u32::MAX));
    }
}

fn number_after(status: &str, label: &str) -> Option<f64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// User and system time: the 14th and 15th field, counted after the name in brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_a_name_with_blanks_and_brackets() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 4 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(number_after("Name:\tx\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
    }
}

//! How the process and its disk are, and what `/ready` says. Writes no lines: all is measured when the metrics are asked for.

use std::fs;
use std::path::Path;

use crate::telemetry::Metrics;
use crate::telemetry::labels::CheckLabels;

/// Ticks of a second in `/proc/PID/stat`: the same on every Linux, whatever the kernel's own clock.
const TICKS: f64 = 100.0;
/// Where `utime` stands among the fields behind the name, see proc(5); `stime` is the next.
const UTIME: usize = 11;

/// What the system says of the process. What it does not say stays as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessMeasured {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    open_files: Option<u64>,
    /// All of the disk, and what is free of it.
    disk: Option<(u64, u64)>,
}

impl ProcessMeasured {
    /// Looks at `/proc` and at the file system below `data_dir`. May block as long as that does.
    pub fn take(data_dir: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        ProcessMeasured {
            cpu_seconds: read("stat").and_then(|stat| cpu_seconds(&stat)),
            resident_bytes: read("status").and_then(|status| resident_bytes(&status)),
            open_files: fs::read_dir("/proc/self/fd").ok().map(|all| all.count() as u64),
            disk: rustix::fs::statvfs(data_dir)
                .ok()
                .map(|disk| (disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize)),
        }
    }

    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        let process = &metrics.process;
        if let Some(seconds) = self.cpu_seconds {
            process.cpu_seconds.inc_by((seconds - process.cpu_seconds.get()).max(0.0));
        }
        if let Some(bytes) = self.resident_bytes {
            process.resident_bytes.set(bytes);
        }
        if let Some(count) = self.open_files {
            process.open_files.set(count);
        }
        if let Some((bytes, free)) = self.disk {
            process.disk_bytes.set(bytes);
            process.disk_free_bytes.set(free);
        }
    }
}

/// The name may hold anything, so that fields are counted from behind its last parenthesis.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(UTIME).map(str::parse::<u64>);
    Some((times.next()?.ok()? + times.next()?.ok()?) as f64 / TICKS)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// What `/ready` says, check by check.
#[derive(Debug, Clone)]
pub struct ReadinessSeen<I> {
    /// `/ready` answers 200.
    pub ready: bool,
    /// Name of each check, and whether it is fine.
    pub checks: I,
}

impl<'a, I: Iterator<Item = (&'a str, bool)>> ReadinessSeen<I> {
    /// Sets the gauges; those of checks that are gone go.
    pub fn emit(self, metrics: &Metrics) {
        metrics.process.ready.set(u64::from(self.ready));
        metrics.process.checks.clear();
        for (check, fine) in self.checks {
            let labels = CheckLabels { check: check.to_owned() };
            metrics.process.checks.get_or_create(&labels).set(u64::from(fine));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_fields_does_not_shift_them() {
        let stat = "7 (open) track 1) S 1 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 9 0 100 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("7 (x) S 1"), None);
    }

    #[test]
    fn memory_is_told_in_bytes() {
        assert_eq!(resident_bytes("VmPeak:\t 10 kB\nVmRSS:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(resident_bytes("VmRSS:\t2048\n"), None);
    }

    #[test]
    fn this_process_has_memory_files_and_a_disk() {
        let measured = ProcessMeasured::take(&std::env::temp_dir());
        assert!(measured.resident_bytes.is_some_and(|bytes| bytes > 1 << 20), "{measured:?}");
        assert!(measured.open_files.is_some_and(|count| count > 2), "{measured:?}");
        assert!(measured.disk.is_some_and(|(bytes, free)| bytes >= free && bytes > 0), "{measured:?}");
        assert!(measured.cpu_seconds.is_some(), "{measured:?}");
    }
}

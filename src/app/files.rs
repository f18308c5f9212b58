//! How many files the process may open, and how many of them connections get.
//!
//! Without this, a few hundred strangers with open connections would leave none for the next segment of the journal. What
//! the router itself opens is kept back: segments, stores, connections to destinations.

use crate::telemetry::events;

/// Kept back. The journal has some 70 files open, each warehouse a few, each destination up to 8 connections and as many in flight.
const OWN: usize = 256;
/// Where the kernel tells what a process may.
const LIMITS: &str = "/proc/self/limits";

/// Returns how many connections are taken at once, and says so where they are fewer than `wanted`.
pub(super) fn connections(wanted: usize) -> usize {
    let Some(files) = std::fs::read_to_string(LIMITS).ok().and_then(|text| open_files(&text)) else {
        return wanted;
    };
    let taken = bounded(wanted, files);
    if taken < wanted {
        events::ConnectionsBounded { wanted, taken, files }.emit();
    }
    taken
}

/// Connections get the half where there is little.
fn bounded(wanted: usize, files: usize) -> usize {
    wanted.min(files.saturating_sub(OWN).max(files / 2)).max(1)
}

/// Returns the soft limit; `None` where there is none.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_router_itself() {
        assert_eq!(bounded(10_000, 65_536), 10_000);
        assert_eq!(bounded(10_000, 1024), 768);
        assert_eq!(bounded(10_000, 300), 150);
        assert_eq!(bounded(10, 1024), 10);
    }

    #[test]
    fn the_limit_is_read_as_the_kernel_writes_it() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max processes             95678                95678                processes\n\
                    Max open files            1024                 524288               files\n";
        assert_eq!(open_files(text), Some(1024));
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files\n"),
            None
        );
        assert_eq!(open_files(""), None);
    }
}

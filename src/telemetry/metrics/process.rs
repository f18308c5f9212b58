//! The metrics of the process itself and of the disk below it: what a machine's own exporter would say where there is none.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{Level, Measure, add, family};
use crate::telemetry::clock;
use crate::telemetry::labels::{CheckLabels, VersionLabels};

/// See the module.
#[derive(Debug)]
pub(in crate::telemetry) struct Process {
    pub(in crate::telemetry) ready: Level,
    pub(in crate::telemetry) checks: Family<CheckLabels, Level>,
    pub(in crate::telemetry) cpu_seconds: Counter<f64, AtomicU64>,
    pub(in crate::telemetry) resident_bytes: Level,
    pub(in crate::telemetry) open_files: Level,
    pub(in crate::telemetry) disk_bytes: Level,
    pub(in crate::telemetry) disk_free_bytes: Level,
}

impl Process {
    pub(super) fn new(to: &mut Registry) -> Self {
        let version: Family<VersionLabels, Level> = family(to, "build_info", "1, with the version that runs");
        version.get_or_create(&VersionLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        let started =
            add(to, "process_start_seconds", "When the process began, in Unix time", Measure::default());
        started.set(clock::now().as_millisecond() as f64 / 1000.0);
        let free = "Bytes of the file system below `data_dir` that may still be written";
        Process {
            ready: add(to, "ready", "1 while `/ready` answers 200, else 0", Level::default()),
            checks: family(to, "ready_check", "1 for a check of `/ready` that is fine, else 0"),
            cpu_seconds: add(to, "process_cpu_seconds", "CPU time of the process so far", Counter::default()),
            resident_bytes: add(to, "process_resident_bytes", "Memory of the process", Level::default()),
            open_files: add(to, "process_open_files", "Open files and sockets", Level::default()),
            disk_bytes: add(to, "disk_bytes", "Bytes of the file system below `data_dir`", Level::default()),
            disk_free_bytes: add(to, "disk_free_bytes", free, Level::default()),
        }
    }
}
